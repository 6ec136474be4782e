//! What PostgreSQL knows of days and months, for a process on its own.

use std::time::Duration;

use time::Date;
use tokio::time::Instant;
use uuid::Uuid;

use crate::{Ask, counters::Sums};

/// What PostgreSQL said counts this long; what was let through since then is added to it.
const COUNTS_FOR: Duration = Duration::from_secs(5);
/// Who was let through and is not written down after this long never will be.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(900);

/// What a person has used of a day, or a key of a month.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    read: Instant,
    /// The day (UTC) that it is about, or a day of the month.
    date: Date,
    requests: u64,
    tokens: u64,
    /// Millionths.
    cost: u64,
    /// What this process let through and PostgreSQL doesn't have yet.
    since: Vec<Passed>,
}

#[derive(Debug, Clone, Copy)]
struct Passed {
    id: Uuid,
    at: Instant,
    tokens: u64,
    cost: u64,
}

impl Known {
    /// From what PostgreSQL says; what `before` has and PostgreSQL hasn't stays.
    pub(crate) fn new(sums: &Sums, date: Date, before: Option<Self>) -> Self {
        let mut since = before.map(|before| before.since).unwrap_or_default();
        since.retain(|it| !sums.settled.contains(&it.id) && it.at.elapsed() < GIVEN_UP_AFTER);
        Self {
            read: Instant::now(),
            date,
            requests: sums.requests,
            tokens: sums.tokens,
            cost: sums.cost,
            since,
        }
    }

    /// Whether it still counts on that day.
    pub(crate) fn is_fresh(&self, date: Date) -> bool {
        self.date == date && self.read.elapsed() < COUNTS_FOR
    }

    /// When it was read.
    pub(crate) fn read(&self) -> Instant {
        self.read
    }

    /// Requests and tokens.
    pub(crate) fn day(&self) -> (u64, u64) {
        let requests = u64::try_from(self.since.len()).unwrap_or(u64::MAX);
        let tokens: u64 = self.since.iter().map(|it| it.tokens).sum();
        (self.requests + requests, self.tokens + tokens)
    }

    /// Millionths of the currency.
    pub(crate) fn cost(&self) -> u64 {
        let cost: u64 = self.since.iter().map(|it| it.cost).sum();
        self.cost + cost
    }

    /// What PostgreSQL is to be asked about.
    pub(crate) fn unsettled(&self) -> Vec<Uuid> {
        self.since.iter().map(|it| it.id).collect()
    }

    /// Counts a request with all that it may take.
    pub(crate) fn pass(&mut self, ask: &Ask) {
        self.since.push(Passed {
            id: ask.id,
            at: Instant::now(),
            tokens: ask.tokens(),
            cost: ask.max_cost_micros,
        });
    }

    /// As if the request had never been let through.
    pub(crate) fn forget(&mut self, id: Uuid) {
        self.since.retain(|it| it.id != id);
    }
}
