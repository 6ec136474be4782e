//! What a process lets through on its own while Redis is away: a quarter of each minute's
//! limit, at least one, since other replicas do the same; and of days and months what is left
//! of them by PostgreSQL, which all replicas write to.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use onelastai_types::UserId;
use time::Date;
use tokio::time::Instant;
use uuid::Uuid;

use crate::{
    Ask, KeyLimits, Limit, TierLimits,
    alone::PATIENCE,
    counters::{Answer, Sums},
    known::Known,
    rate::{Counts, all_limits},
    window::Minutes,
};

/// With more persons and keys than this, those of earlier minutes are forgotten.
const MANY: usize = 100_000;

#[derive(Default)]
pub(crate) struct Local(Mutex<State>);

/// By person, and by key.
#[derive(Default)]
struct State {
    minutes: HashMap<Uuid, Minutes>,
    known: HashMap<Uuid, Known>,
    /// PostgreSQL didn't answer, and is left alone until then.
    not_before: Option<Instant>,
}

fn quarter(most: Option<u32>) -> Option<u32> {
    most.map(|most| (most / 4).max(1))
}

/// The limits as they hold meanwhile.
pub(crate) fn lowered(
    tier: &TierLimits,
    key: Option<&KeyLimits>,
) -> (TierLimits, Option<KeyLimits>) {
    let tier = TierLimits {
        requests_per_minute: quarter(tier.requests_per_minute),
        tokens_per_minute: quarter(tier.tokens_per_minute),
        ..tier.clone()
    };
    let key = key.map(|key| KeyLimits {
        requests_per_minute: quarter(key.requests_per_minute),
        tokens_per_minute: quarter(key.tokens_per_minute),
        ..key.clone()
    });
    (tier, key)
}

/// Whether the request is more than what is left of a limit.
fn is_over(limit: Limit, used: u64, most: u64, ask: &Ask) -> bool {
    match limit {
        // What is larger than a quarter of the limit gets through alone; refusing it for as long
        // as Redis is away would not be caution.
        Limit::RequestsPerMinute => used > 0 && used + 1 > most,
        Limit::TokensPerMinute => used > 0 && used + ask.tokens() > most,
        Limit::RequestsPerDay => used + 1 > most,
        Limit::TokensPerDay => used + ask.tokens() > most,
        // What is used up is used up, also for what costs nothing.
        Limit::CostPerMonth => used >= most || used + ask.max_cost_micros > most,
    }
}

impl State {
    fn of(&self, user: UserId, key: Option<Uuid>) -> impl Iterator<Item = Option<&Known>> {
        let ids = [Some(user.0), key].into_iter().flatten();
        ids.map(move |id| self.known.get(&id))
    }

    fn make_room(&mut self, now_ms: i64) {
        if self.minutes.len() > MANY {
            let minute = now_ms.div_euclid(60_000);
            self.minutes.retain(|_, it| it.minute + 1 >= minute);
        }
        if self.known.len() > MANY {
            let now = Instant::now();
            self.known.retain(|_, it| now - it.read() < PATIENCE * 60);
        }
    }

    fn counts(&self, ask: &Ask, key: Option<&KeyLimits>, now_ms: i64) -> Counts {
        let at = |id: Uuid| {
            let minutes = self.minutes.get(&id).copied();
            minutes.unwrap_or_default().at(now_ms)
        };
        let month = key.and_then(|key| self.known.get(&key.id));
        Counts {
            now_ms,
            person: at(ask.user.0),
            day: self.known.get(&ask.user.0).map(Known::day),
            key: key.map(|key| at(key.id)).unwrap_or_default(),
            cost: month.map_or(0, Known::cost),
        }
    }

    fn pass(&mut self, ask: &Ask, id: Uuid, mut minutes: Minutes) {
        minutes.requests += 1;
        minutes.tokens += ask.tokens();
        self.minutes.insert(id, minutes);
        if let Some(known) = self.known.get_mut(&id) {
            known.pass(ask);
        }
    }
}

impl Local {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As the script of Redis does it, under limits that are lowered already.
    pub(crate) fn admit(
        &self,
        ask: &Ask,
        tier: &TierLimits,
        key: Option<&KeyLimits>,
        now_ms: i64,
    ) -> Answer {
        let mut state = self.state();
        state.make_room(now_ms);
        let counts = state.counts(ask, key, now_ms);
        for (limit, scope, most) in all_limits(tier, key) {
            let used = counts.level(limit, scope, most).used;
            if is_over(limit, used, most, ask) {
                return Answer::Over(limit, scope, counts);
            }
        }
        state.pass(ask, ask.user.0, counts.person);
        if let Some(key) = key {
            state.pass(ask, key.id, counts.key);
        }
        Answer::Reserved(state.counts(ask, key, now_ms))
    }

    /// Whether the day of the person and the month of the key are known well enough.
    pub(crate) fn knows(&self, user: UserId, key: Option<Uuid>, date: Date) -> bool {
        let state = self.state();
        let mut known = state.of(user, key);
        known.all(|known| known.is_some_and(|known| known.is_fresh(date)))
    }

    /// Whether they were known a while ago.
    pub(crate) fn knew(&self, user: UserId, key: Option<Uuid>) -> bool {
        self.state().of(user, key).all(|known| known.is_some())
    }

    /// What was let through and may have been written down meanwhile.
    pub(crate) fn unsettled(&self, user: UserId) -> Vec<Uuid> {
        let state = self.state();
        let known = state.known.get(&user.0);
        known.map(Known::unsettled).unwrap_or_default()
    }

    /// Takes in what PostgreSQL says.
    pub(crate) fn learn(&self, user: UserId, key: Option<Uuid>, date: Date, sums: &Sums) {
        let mut state = self.state();
        for id in [Some(user.0), key].into_iter().flatten() {
            let before = state.known.remove(&id);
            state.known.insert(id, Known::new(sums, date, before));
        }
    }

    /// Whether there is sense in asking PostgreSQL.
    pub(crate) fn may_ask(&self) -> bool {
        let until = self.state().not_before;
        until.is_none_or(|until| until <= Instant::now())
    }

    /// PostgreSQL didn't answer.
    pub(crate) fn asked_in_vain(&self) {
        self.state().not_before = Some(Instant::now() + PATIENCE);
    }

    /// As if the request had never been let through.
    pub(crate) fn forget(&self, user: UserId, key: Option<Uuid>, request: Uuid) {
        let mut state = self.state();
        for id in [Some(user.0), key].into_iter().flatten() {
            if let Some(known) = state.known.get_mut(&id) {
                known.forget(request);
            }
        }
    }
}
