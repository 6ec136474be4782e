//! Whether a request may be made.

use std::sync::Arc;

use onelastai_types::UserId;
use uuid::Uuid;

use crate::{
    Admission, Ask, KeyLimits, Limit, Rates, Scope, TierLimits, UsageError, UsageService,
    admission::Open,
    counters::Answer,
    rate::{Counts, all_limits},
    record::Kind,
    sums,
};

/// So often the sums are set for one request; from the third time on whatever comes between.
const TRIES: u32 = 8;
const PATIENT_TRIES: u32 = 3;

impl UsageService {
    /// Reserves what the request may take at most, in one round trip to Redis, unless that
    /// is more than there is left of some limit.
    ///
    /// While Redis is away, this process lets through a quarter of what the minute allows, and of
    /// the day and of a key's budget what PostgreSQL says is left.
    ///
    /// # Errors
    /// Says which limit is in the way, and for how long; [`UsageError::Unavailable`] where
    /// nothing more can be written down for now.
    pub async fn admit(&self, ask: Ask) -> Result<Admission, UsageError> {
        let (counts, rates) = self.reserve_as(&ask, Kind::Ours).await?;
        let open = Arc::new(Open::new(ask, counts.now_ms));
        self.open().insert(open.id, Arc::clone(&open));
        Ok(Admission::new(self.clone(), open, rates))
    }

    /// The same for what another crate writes down in a transaction of its own. It ends by
    /// [`Self::settled_elsewhere`] or [`Self::cancel`]. Tells what is left then.
    ///
    /// # Errors
    /// As [`Self::admit`].
    pub async fn reserve(&self, ask: &Ask) -> Result<Rates, UsageError> {
        Ok(self.reserve_as(ask, Kind::Elsewhere).await?.1)
    }

    async fn reserve_as(&self, ask: &Ask, kind: Kind) -> Result<(Counts, Rates), UsageError> {
        let limits = self.limits_when_read(ask.tier).await;
        check(ask, &limits)?;
        if self.0.queue.is_full() {
            return Err(UsageError::Unavailable);
        }
        let mut undecided = Undecided {
            service: self,
            id: ask.id,
            user: ask.user,
            key: ask.key.as_ref().map(|key| key.id),
            decided: false,
        };
        let result = self.count(ask, &limits, kind).await;
        undecided.decided = true;
        result
    }

    async fn count(
        &self,
        ask: &Ask,
        limits: &TierLimits,
        kind: Kind,
    ) -> Result<(Counts, Rates), UsageError> {
        let redis = &self.0.redis;
        let lease = match kind {
            Kind::Ours => self.0.settings.lease,
            Kind::Elsewhere => self.0.settings.lease_elsewhere,
        };
        let lease_ms = u64::try_from(lease.as_millis()).unwrap_or(u64::MAX);
        for attempt in 0..TRIES {
            let call = redis.counters.admit(ask, limits, kind, lease_ms);
            match redis.ask(call).await {
                Ok(Answer::Unknown(counts)) => {
                    let patient = attempt < PATIENT_TRIES;
                    if self.seed(ask, counts.now_ms, patient).await.is_err() {
                        break;
                    }
                }
                Ok(answer) => return decide(answer, ask, limits, ask.key.as_ref()),
                Err(_) => break,
            }
        }
        self.count_alone(ask, limits).await
    }

    /// Takes the sums of the day and month from PostgreSQL. `patient`: not where something
    /// was settled meanwhile, which may or may not be in them.
    async fn seed(&self, ask: &Ask, now_ms: i64, patient: bool) -> Result<(), NotSeeded> {
        let lock = &self.0.seeding[usize::from(crate::counters::shard(ask.user))];
        let Ok(_alone) = lock.try_lock() else {
            // Somebody is at it: perhaps for the same person.
            drop(lock.lock().await);
            return Ok(());
        };
        let redis = &self.0.redis;
        let key = ask.key.as_ref().map(|key| key.id);
        let before = redis.ask(redis.counters.before_seed(ask.user));
        let (v, open) = before.await.map_err(|_| NotSeeded)?;
        let sums = sums::read(&self.0.pool, ask.user, key, now_ms, &open).await;
        let sums = sums.map_err(|error| {
            tracing::warn!(%error, "can't read what was used today");
            NotSeeded
        })?;
        let v = patient.then_some(v.as_str());
        redis
            .ask(redis.counters.seed(ask, now_ms, v, &sums))
            .await
            .map_err(|_| NotSeeded)?;
        if !patient {
            // Roughly right for now, and exactly when it is quiet.
            redis.missed(ask.user, key);
        }
        Ok(())
    }
}

/// One of the two servers is away.
struct NotSeeded;

/// What needs no counting.
fn check(ask: &Ask, limits: &TierLimits) -> Result<(), UsageError> {
    if !limits.has_model(&ask.model) {
        return Err(UsageError::ModelNotInTier);
    }
    // What is more than a whole window would never be let through.
    let windows = all_limits(limits, ask.key.as_ref())
        .filter(|(limit, _, _)| matches!(limit, Limit::TokensPerMinute | Limit::TokensPerDay))
        .map(|(_, _, most)| most);
    let most = windows
        .chain(limits.max_context_tokens.map(u64::from))
        .min()
        .unwrap_or(u64::MAX);
    let tokens = ask.tokens();
    if tokens > most {
        return Err(UsageError::ContextTooLong {
            tokens,
            limit: most,
        });
    }
    Ok(())
}

pub(crate) fn decide(
    answer: Answer,
    ask: &Ask,
    limits: &TierLimits,
    key: Option<&KeyLimits>,
) -> Result<(Counts, Rates), UsageError> {
    match answer {
        Answer::Reserved(counts) => Ok((counts, counts.rates(limits, key))),
        Answer::Over(limit, scope, counts) => {
            Err(exceeded(limit, scope, &counts, ask, limits, key))
        }
        Answer::Unknown(_) => Err(UsageError::Unavailable),
    }
}

fn exceeded(
    limit: Limit,
    scope: Scope,
    counts: &Counts,
    ask: &Ask,
    limits: &TierLimits,
    key: Option<&KeyLimits>,
) -> UsageError {
    let most = all_limits(limits, key)
        .find(|(which, whose, _)| (*which, *whose) == (limit, scope))
        .map_or(0, |(_, _, most)| most);
    let level = counts.level(limit, scope, most);
    let more = if limit == Limit::TokensPerMinute {
        ask.tokens()
    } else {
        1
    };
    UsageError::Exceeded {
        limit,
        scope,
        retry_after: counts.wait(&level, more),
        rate: level.rate(),
    }
}

/// Whoever asked may go away before the answer is there, and then nobody would settle what
/// Redis has reserved by then.
struct Undecided<'a> {
    service: &'a UsageService,
    id: Uuid,
    user: UserId,
    key: Option<Uuid>,
    decided: bool,
}

impl Drop for Undecided<'_> {
    fn drop(&mut self) {
        if self.decided {
            return;
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let (service, id, user, key) = (self.service.clone(), self.id, self.user, self.key);
            // The connection keeps the order: this comes after the reservation.
            runtime.spawn(async move { service.cancel(id, user, key).await });
        }
    }
}
