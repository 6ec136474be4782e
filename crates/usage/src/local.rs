//! What a process lets through on its own while Redis is away: a quarter of each minute's
//! limit, at least one, since other replicas do the same. Days and months can't be counted
//! meanwhile.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use uuid::Uuid;

use crate::{
    Ask, KeyLimits, Limit, TierLimits,
    counters::Answer,
    rate::{Counts, all_limits},
    window::Minutes,
};

/// With more persons and keys than this, those of earlier minutes are forgotten.
const MANY: usize = 100_000;

#[derive(Default)]
pub(crate) struct Local(Mutex<HashMap<Uuid, Minutes>>);

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
        requests_per_day: None,
        tokens_per_day: None,
        ..tier.clone()
    };
    let key = key.map(|key| KeyLimits {
        id: key.id,
        requests_per_minute: quarter(key.requests_per_minute),
        tokens_per_minute: quarter(key.tokens_per_minute),
        monthly_budget_micros: None,
    });
    (tier, key)
}

impl Local {
    /// As the script of Redis does it, under limits that are lowered already.
    pub(crate) fn admit(
        &self,
        ask: &Ask,
        tier: &TierLimits,
        key: Option<&KeyLimits>,
        now_ms: i64,
    ) -> Answer {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() > MANY {
            let minute = now_ms.div_euclid(60_000);
            all.retain(|_, it| it.minute + 1 >= minute);
        }
        let at = |id: Uuid| all.get(&id).copied().unwrap_or_default().at(now_ms);
        let mut counts = Counts {
            now_ms,
            person: at(ask.user.0),
            day: None,
            key: key.map(|key| at(key.id)).unwrap_or_default(),
            cost: 0,
        };
        for (limit, scope, most) in all_limits(tier, key) {
            let more = if limit == Limit::TokensPerMinute {
                ask.tokens()
            } else {
                1
            };
            let used = counts.level(limit, scope, most).used;
            // What is larger than a quarter of the limit gets through alone; refusing it
            // for as long as Redis is away would not be caution.
            if used > 0 && used + more > most {
                return Answer::Over(limit, scope, counts);
            }
        }
        let mut add = |minutes: &mut Minutes, id: Uuid| {
            minutes.requests += 1;
            minutes.tokens += ask.tokens();
            all.insert(id, *minutes);
        };
        add(&mut counts.person, ask.user.0);
        if let Some(key) = key {
            add(&mut counts.key, key.id);
        }
        Answer::Reserved(counts)
    }
}
