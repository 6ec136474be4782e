//! Whether a request may be made while Redis is away, as far as one process can tell.

use std::time::Duration;

use tokio::time::timeout;

use crate::{
    Ask, KeyLimits, Rates, TierLimits, UsageError, UsageService, admit::decide, calendar::date_of,
    counters::shard, local::lowered, rate::Counts, sums,
};

/// PostgreSQL is waited for at most this long; after a failure it is left alone for as long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(1);

/// Nobody can say what was used.
struct Unknown;

impl UsageService {
    /// Holds a quarter of what the minute allows, and the day and the month as PostgreSQL has
    /// them together with what was let through here since.
    ///
    /// # Errors
    /// As [`Self::admit`]; [`UsageError::Unavailable`] for a key with a budget of which nobody
    /// can say what is used.
    pub(crate) async fn count_alone(
        &self,
        ask: &Ask,
        limits: &TierLimits,
    ) -> Result<(Counts, Rates), UsageError> {
        let (limits, key) = lowered(limits, ask.key.as_ref());
        let now_ms = self.0.settings.clock.now_ms();
        let has_budget = key
            .as_ref()
            .is_some_and(|key| key.monthly_budget_micros.is_some());
        let is_known = !(has_budget || has_days(&limits))
            || self.look_up(ask, key.as_ref(), now_ms).await.is_ok();
        if has_budget && !is_known {
            return Err(UsageError::Unavailable);
        }
        let answer = self.0.local.admit(ask, &limits, key.as_ref(), now_ms);
        let key_id = ask.key.as_ref().map(|key| key.id);
        self.0.redis.missed(ask.user, key_id);
        decide(answer, ask, &limits, key.as_ref())
    }

    /// Sees to it that [`Local`](crate::local::Local) has what PostgreSQL knows.
    async fn look_up(
        &self,
        ask: &Ask,
        key: Option<&KeyLimits>,
        now_ms: i64,
    ) -> Result<(), Unknown> {
        let (local, user, date) = (&self.0.local, ask.user, date_of(now_ms));
        let key = key.map(|key| key.id);
        if local.knows(user, key, date) {
            return Ok(());
        }
        // One asks for a person; the others have what it found.
        let _alone = self.0.seeding[usize::from(shard(user))].lock().await;
        if local.knows(user, key, date) {
            return Ok(());
        }
        if local.may_ask() {
            let open = local.unsettled(user);
            let sums = sums::read(&self.0.pool, user, key, now_ms, &open);
            match timeout(PATIENCE, sums).await {
                Ok(Ok(sums)) => {
                    local.learn(user, key, date, &sums);
                    return Ok(());
                }
                Ok(Err(error)) => tracing::warn!(%error, "can't read what was used"),
                Err(_) => tracing::warn!("can't read in time what was used"),
            }
            local.asked_in_vain();
        }
        // What was known a while ago is better than nothing.
        if local.knew(user, key) {
            Ok(())
        } else {
            Err(Unknown)
        }
    }
}

fn has_days(limits: &TierLimits) -> bool {
    limits.requests_per_day.is_some() || limits.tokens_per_day.is_some()
}
