//! The service: what everything in this crate works with.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use onelastai_db::PgPool;
use onelastai_types::{Tier, UserId};
use redis::aio::ConnectionManager;
use tokio::{
    sync::OnceCell,
    time::{MissedTickBehavior, interval, timeout},
};
use uuid::Uuid;

use crate::{
    Admission, Clock, Outcome, Settled, TierLimits,
    admission::Open,
    counters::{Correction, Counters, SHARDS},
    limits::Table,
    local::Local,
    queue::Queue,
    record,
    redis_side::RedisSide,
};

/// The first request waits for the table of limits at most this long.
const FIRST_READ: Duration = Duration::from_secs(2);

/// How usage is counted.
#[derive(Debug, Clone)]
pub struct UsageSettings {
    /// A process that has not said anything for this long has lost its requests.
    pub lease: Duration,
    /// How often it says something. Well below `lease`.
    pub renew: Duration,
    /// What is reserved for somebody who writes down the usage on their own is forgotten
    /// after this long: more than an answer takes.
    pub lease_elsewhere: Duration,
    /// Settlements that come within this time are written together.
    pub gather: Duration,
    /// With more than this waiting to be written, nothing more is admitted.
    pub most_waiting: usize,
    /// How often the table of limits is read.
    pub refresh: Duration,
    /// The clock that windows and leases go by.
    pub clock: Clock,
}

impl Default for UsageSettings {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(30),
            renew: Duration::from_secs(5),
            lease_elsewhere: Duration::from_secs(900),
            gather: Duration::from_millis(1),
            most_waiting: 50_000,
            refresh: Duration::from_secs(30),
            clock: Clock::default(),
        }
    }
}

/// Limits, reservations and settlement. Clones share everything.
#[derive(Clone)]
pub struct UsageService(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub pool: PgPool,
    pub settings: UsageSettings,
    pub table: Table,
    first_read: OnceCell<()>,
    pub redis: Arc<RedisSide>,
    pub local: Local,
    pub queue: Queue,
    open: Mutex<HashMap<Uuid, Arc<Open>>>,
    /// One at a time sets the sums of a person.
    pub seeding: [tokio::sync::Mutex<()>; SHARDS as usize],
}

impl UsageService {
    /// Everything it needs. Neither server has to be there yet. Must be called within a
    /// Tokio runtime, in which its tasks run until the last clone is dropped.
    #[must_use]
    pub fn new(pool: PgPool, connection: ConnectionManager, settings: UsageSettings) -> Self {
        let lease_ms = u64::try_from(settings.lease.as_millis()).unwrap_or(u64::MAX);
        let counters = Counters::new(connection, settings.clock.clone(), lease_ms);
        let redis = Arc::new(RedisSide::new(counters));
        let queue = Queue::start(
            pool.clone(),
            Arc::clone(&redis),
            settings.gather,
            settings.most_waiting,
        );
        let inner = Arc::new(Inner {
            pool,
            table: Table::default(),
            first_read: OnceCell::new(),
            redis,
            local: Local::default(),
            queue,
            open: Mutex::default(),
            seeding: std::array::from_fn(|_| tokio::sync::Mutex::default()),
            settings,
        });
        tokio::spawn(refresh(Arc::downgrade(&inner), inner.settings.refresh));
        tokio::spawn(renew(Arc::downgrade(&inner), inner.settings.renew));
        Self(inner)
    }

    /// What a tier may use, as of at most half a minute ago.
    #[must_use]
    pub fn limits(&self, tier: Tier) -> Arc<TierLimits> {
        self.0.table.of(tier)
    }

    /// The same; the first request of a process waits until the table was read.
    pub async fn limits_when_read(&self, tier: Tier) -> Arc<TierLimits> {
        self.0
            .first_read
            .get_or_init(|| async {
                let read = timeout(FIRST_READ, self.0.table.read(&self.0.pool)).await;
                if !matches!(read, Ok(Ok(()))) {
                    tracing::warn!("the limits of the tiers can't be read yet");
                }
            })
            .await;
        self.limits(tier)
    }

    /// Says what became of a request, once and for all: what was reserved and not taken is
    /// free again, and the rows are written, now or as soon as PostgreSQL is there.
    pub fn settle(&self, mut admission: Admission, outcome: Outcome) -> Settled {
        match admission.take() {
            Some(open) => self.end(&open, outcome),
            None => Settled::before(),
        }
    }

    pub(crate) fn end(&self, open: &Open, outcome: Outcome) -> Settled {
        self.open().remove(&open.id);
        self.0.queue.push(open.settlement(outcome))
    }

    /// For what another crate writes down in a transaction of its own: `tokens` and `cost`
    /// (millionths of the currency) take the place of what was [reserved](Self::reserve), with
    /// the API key that it was reserved with.
    pub async fn settled_elsewhere(
        &self,
        id: Uuid,
        user: UserId,
        key: Option<Uuid>,
        tokens: u64,
        cost: u64,
    ) {
        let settled = Correction {
            id,
            user,
            key,
            known: true,
            request: true,
            tokens,
            cost,
        };
        self.0.redis.correct(&[settled]).await;
    }

    /// As if it had never been reserved: the request was not made after all.
    pub async fn cancel(&self, id: Uuid, user: UserId, key: Option<Uuid>) {
        let cancelled = Correction {
            id,
            user,
            key,
            known: true,
            request: false,
            tokens: 0,
            cost: 0,
        };
        self.0.local.forget(user, key, id);
        self.0.redis.correct(&[cancelled]).await;
    }

    /// The API key with which something was reserved, for whoever settles it in the place of a
    /// process that went away. `None` also where Redis can't say.
    pub async fn key_of(&self, id: Uuid, user: UserId) -> Option<Uuid> {
        let redis = &self.0.redis;
        let record = redis.ask(redis.counters.record(id, user)).await.ok()??;
        record::parse(&record)?.key
    }

    /// Waits until everything that was settled is in PostgreSQL, at most so long. True where
    /// it is.
    pub async fn drain(&self, patience: Duration) -> bool {
        self.0.queue.drain(patience).await
    }

    pub(crate) fn open(&self) -> MutexGuard<'_, HashMap<Uuid, Arc<Open>>> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn refresh(service: Weak<Inner>, every: Duration) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut well = true;
    loop {
        ticks.tick().await;
        let Some(inner) = service.upgrade() else {
            return;
        };
        match inner.table.read(&inner.pool).await {
            Ok(()) => well = true,
            Err(error) if well => {
                tracing::warn!(%error, "can't read the limits of the tiers");
                well = false;
            }
            Err(_) => {}
        }
    }
}

async fn renew(service: Weak<Inner>, every: Duration) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(inner) = service.upgrade() else {
            return;
        };
        UsageService(inner).renew().await;
    }
}
