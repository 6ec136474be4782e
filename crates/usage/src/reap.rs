//! Requests whose process went away: each process says every few seconds which ones it is
//! at, and what nobody speaks for any more is settled by whoever notices.

use std::{collections::HashMap, sync::atomic::Ordering};

use crate::{
    UsageError, UsageService,
    admission::interrupted,
    counters::{Correction, SHARDS, shard},
    record::{self, Kind},
    rows::Settlement,
};

/// The most that one round takes from one shard.
const ROUND: u32 = 200;
/// The most that one call of a script renews.
const RENEWED: usize = 1000;

impl UsageService {
    /// Renews the leases of what is under way here, and tells Redis what it has missed.
    pub(crate) async fn renew(&self) {
        let redis = &self.0.redis;
        redis.catch_up().await;
        let mut shards: HashMap<u8, Vec<_>> = HashMap::new();
        for open in self.open().values() {
            // A new one has its whole lease; most requests end before they need another.
            if open.since.elapsed() >= self.0.settings.renew {
                let tokens = open.completion_tokens.load(Ordering::Relaxed);
                shards
                    .entry(shard(open.user))
                    .or_default()
                    .push((open.id, tokens));
            }
        }
        for (shard, open) in shards {
            for part in open.chunks(RENEWED) {
                // Away: the lease outlasts a few tries.
                let _ = redis.ask(redis.counters.renew(shard, part)).await;
            }
        }
    }

    /// Settles the requests whose process is gone, as interrupted and with the tokens that
    /// were counted last. Any replica may do it at any time. Tells how many there were.
    ///
    /// # Errors
    /// [`UsageError::Unavailable`] while Redis is away.
    pub async fn reap(&self) -> Result<usize, UsageError> {
        let redis = &self.0.redis;
        let (mut settled, mut forgotten) = (Vec::new(), Vec::new());
        for shard in 0..SHARDS {
            let taken = redis.ask(redis.counters.take(shard, ROUND)).await;
            for (id, text) in taken.map_err(|_| UsageError::Unavailable)? {
                // What this version doesn't understand, the other one settles.
                let (Ok(id), Some(record)) = (id.parse::<uuid::Uuid>(), record::parse(&text))
                else {
                    continue;
                };
                if record.kind == Kind::Elsewhere {
                    forgotten.push(Correction {
                        id,
                        user: record.user,
                        key: record.key,
                        known: false,
                        request: true,
                        tokens: 0,
                        cost: 0,
                    });
                    continue;
                }
                let age = self.0.settings.clock.now_ms() - record.since_ms;
                let mut outcome = interrupted(
                    &record.model,
                    record.prompt_tokens,
                    record.completion_tokens,
                    "server_lost",
                    u128::try_from(age).unwrap_or(0),
                );
                outcome.agent = record.agent;
                settled.push(self.0.queue.push(Settlement {
                    id,
                    user: record.user,
                    key: record.key,
                    since_ms: record.since_ms,
                    outcome,
                }));
            }
        }
        redis.correct(&forgotten).await;
        let mut count = 0;
        for settled in settled {
            count += usize::from(settled.await);
        }
        if count > 0 {
            tracing::warn!(count, "settled requests whose server went away");
        }
        Ok(count)
    }
}
