//! Redis with patience: how long it may take, when it counts as away, and what it is told
//! afterwards.

use std::{
    collections::HashSet,
    future::Future,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use onelastai_types::UserId;
use redis::RedisResult;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use crate::counters::{Correction, Counters};

/// A request waits for its admission at most this long.
const PATIENCE: Duration = Duration::from_millis(500);
/// After a failure Redis is left alone for this long.
const PAUSE: Duration = Duration::from_secs(1);
/// So many persons are remembered whose sums are no longer right.
const MOST: usize = 100_000;

/// Redis is away, or was a moment ago.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Away;

#[derive(Default)]
struct State {
    away_until: Option<Instant>,
    /// Whose sums Redis has to forget when it is back, and the key they came with.
    missed: HashSet<(UserId, Option<Uuid>)>,
}

pub(crate) struct RedisSide {
    pub counters: Counters,
    state: Mutex<State>,
}

impl RedisSide {
    pub(crate) fn new(counters: Counters) -> Self {
        Self {
            counters,
            state: Mutex::default(),
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What `call` gives, unless it takes too long or there is no sense in trying.
    pub(crate) async fn ask<T>(
        &self,
        call: impl Future<Output = RedisResult<T>>,
    ) -> Result<T, Away> {
        let before = {
            let mut state = self.state();
            let before = state.away_until;
            if let Some(until) = before {
                let now = Instant::now();
                if now < until {
                    return Err(Away);
                }
                // One tries; the others need not wait for what comes of it.
                state.away_until = Some(now + PAUSE);
            }
            before
        };
        let problem = match timeout(PATIENCE, call).await {
            Ok(Ok(answer)) => {
                if before.is_some() {
                    self.state().away_until = None;
                    tracing::info!("usage is counted in Redis again");
                }
                return Ok(answer);
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer in time".to_owned(),
        };
        if self
            .state()
            .away_until
            .replace(Instant::now() + PAUSE)
            .is_none()
        {
            tracing::error!(
                problem,
                "Redis can't count usage: lower limits hold, here alone"
            );
        }
        Err(Away)
    }

    /// Corrects the counts; where Redis is away, it takes them anew when it is back.
    pub(crate) async fn correct(&self, corrections: &[Correction]) {
        if corrections.is_empty() {
            return;
        }
        if self.ask(self.counters.correct(corrections)).await.is_err() {
            for it in corrections {
                self.missed(it.user, it.key);
            }
        }
    }

    /// The sums of this person, and of the key, have to be taken anew.
    pub(crate) fn missed(&self, user: UserId, key: Option<Uuid>) {
        let mut state = self.state();
        if state.missed.len() < MOST {
            state.missed.insert((user, key));
        }
    }

    /// Makes Redis forget the sums that it has missed something of.
    pub(crate) async fn catch_up(&self) {
        let missed = std::mem::take(&mut self.state().missed);
        let corrections: Vec<_> = missed
            .into_iter()
            .map(|(user, key)| Correction {
                // Of no request: a reservation that isn't there.
                id: Uuid::nil(),
                user,
                key,
                known: false,
                request: false,
                tokens: 0,
                cost: 0,
            })
            .collect();
        self.correct(&corrections).await;
    }
}
