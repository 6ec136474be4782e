//! Letting callers in.

use std::{
    net::IpAddr,
    sync::{Arc, Weak},
    time::Duration,
};

use moka::future::Cache;
use onelastai_db::PgPool;
use onelastai_identity::{CHANGES_CHANNEL, IdentityService, Rights};
use onelastai_types::{ApiKeyId, UserId};
use redis::{AsyncCommands, Client, aio::ConnectionManager};
use time::OffsetDateTime;

use crate::{
    AccessError, ApiCaller,
    changes::{self, Changes},
    entry::Entry,
    key,
    rights::RightsCache,
    tries::Tries,
    used::Uses,
};

/// The most keys that are remembered.
const MOST_KEYS: u64 = 100_000;
/// Keys that do not exist are remembered too, for a moment: who tries one tries it often.
const MOST_UNKNOWN: u64 = 10_000;
const UNKNOWN_LIFE: Duration = Duration::from_secs(10);
/// How often it is noted which keys were used.
const NOTE: Duration = Duration::from_secs(2);

/// How long what was heard is believed.
#[derive(Debug, Clone, Copy)]
pub struct Trust {
    /// The database, about a key and its account, even if no change of it was told.
    pub keys: Duration,
    /// Keycloak, about a person: from this age on it is asked in the background,
    pub rights_early: Duration,
    /// from this age on requests wait for its answer,
    pub rights_limit: Duration,
    /// and its last answer is good for so long while it is away.
    pub rights_last: Duration,
}

impl Default for Trust {
    /// 30 s; 45 s, 60 s and 15 minutes.
    fn default() -> Self {
        Self {
            keys: Duration::from_secs(30),
            rights_early: Duration::from_secs(45),
            rights_limit: Duration::from_secs(60),
            rights_last: Duration::from_secs(15 * 60),
        }
    }
}

/// API keys, and who calls the API. Clones share everything.
#[derive(Clone)]
pub struct AccessService(Arc<Inner>);

struct Inner {
    identity: IdentityService,
    pool: PgPool,
    redis: ConnectionManager,
    changes: Arc<Changes>,
    keys: Cache<[u8; 32], Arc<Entry>>,
    unknown: Cache<[u8; 32], ()>,
    tries: Tries,
    rights: RightsCache,
    uses: Uses,
}

impl AccessService {
    /// With accounts, PostgreSQL and Redis, none of which has to be reachable yet. Call it in
    /// a Tokio runtime: it begins to listen for changed keys, on a connection of its own that
    /// `client` opens. `connection` is for telling others of changes.
    #[must_use]
    pub fn new(
        identity: IdentityService,
        pool: PgPool,
        client: Client,
        connection: ConnectionManager,
        trust: Trust,
    ) -> Self {
        let changes = Arc::new(Changes::default());
        tokio::spawn(changes::listen(client, Arc::downgrade(&changes)));
        let inner = Arc::new(Inner {
            rights: RightsCache::new(identity.clone(), trust),
            identity,
            pool,
            redis: connection,
            changes,
            keys: Cache::builder()
                .max_capacity(MOST_KEYS)
                .time_to_live(trust.keys)
                .build(),
            unknown: Cache::builder()
                .max_capacity(MOST_UNKNOWN)
                .time_to_live(UNKNOWN_LIFE)
                .build(),
            tries: Tries::default(),
            uses: Uses::default(),
        });
        tokio::spawn(note_uses(Arc::downgrade(&inner)));
        Self(inner)
    }

    pub(crate) fn pool(&self) -> &PgPool {
        &self.0.pool
    }

    /// The accounts.
    #[must_use]
    pub fn identity(&self) -> &IdentityService {
        &self.0.identity
    }

    /// Who calls: `credential` is what follows `Bearer ` (RFC 6750, 2.1), a key or an access
    /// token of Keycloak; `address` is the client's own.
    ///
    /// A key costs no query while it is remembered: 30 s at most, and no longer than until it
    /// is revoked or changed, on whichever replica.
    ///
    /// # Errors
    /// As [`AccessError`] lists them.
    pub async fn authenticate(
        &self,
        credential: &str,
        address: IpAddr,
    ) -> Result<Arc<ApiCaller>, AccessError> {
        if !credential.starts_with(key::MARK) {
            return Ok(Arc::new(self.bearer(credential).await?));
        }
        let hash = key::hash(credential).ok_or(AccessError::Unknown)?;
        let entry = self.entry(hash, address).await?;
        let now = OffsetDateTime::now_utc();
        entry.check(now, address)?;
        let rights = self.rights(entry.user).await?;
        if entry.is_first_use_in_a_while(now) {
            self.0.uses.add(entry.info.id, now);
        }
        Ok(Arc::new(entry.caller(&rights)))
    }

    /// Who calls with an access token of Keycloak. What it says may be minutes old, so no more
    /// of it counts than what Keycloak says now; where no client is set up to ask, it counts
    /// until it expires.
    async fn bearer(&self, token: &str) -> Result<ApiCaller, AccessError> {
        let identity = &self.0.identity;
        let caller = ApiCaller::from(identity.bearer(token).await?);
        if !identity.knows_rights() {
            return Ok(caller);
        }
        let rights = self.rights(caller.user).await?;
        Ok(caller.only(&rights))
    }

    /// What somebody may do now who may still sign in.
    async fn rights(&self, user: UserId) -> Result<Arc<Rights>, AccessError> {
        let rights = self.0.rights.of(user).await?;
        if rights.enabled {
            Ok(rights)
        } else {
            Err(AccessError::Disabled)
        }
    }

    /// The key of this hash, read from the database where what is remembered does not hold.
    async fn entry(&self, hash: [u8; 32], from: IpAddr) -> Result<Arc<Entry>, AccessError> {
        let inner = &*self.0;
        if inner.unknown.contains_key(&hash) {
            return Err(AccessError::Unknown);
        }
        if !inner.changes.listening() {
            return self.read(&hash, from).await;
        }
        let holds = |entry: &Entry| inner.changes.holds(entry.read, entry.info.id, entry.user);
        if let Some(entry) = inner.keys.get(&hash).await {
            if holds(&entry) {
                return Ok(entry);
            }
            inner.keys.invalidate(&hash).await;
        }
        // Read once, however many requests ask for it.
        let entry = inner.keys.try_get_with(hash, self.read(&hash, from)).await;
        let entry = entry.map_err(|error| AccessError::clone(&error))?;
        if holds(&entry) {
            return Ok(entry);
        }
        // It changed while it was being read.
        inner.keys.invalidate(&hash).await;
        self.read(&hash, from).await
    }

    async fn read(&self, hash: &[u8; 32], from: IpAddr) -> Result<Arc<Entry>, AccessError> {
        self.0.tries.check(from)?;
        let read = Entry::read(&self.0.pool, hash).await;
        if let Err(AccessError::Unknown) = read {
            self.0.unknown.insert(*hash, ()).await;
            self.0.tries.note(from);
        }
        read
    }

    /// Whether other replicas are heard when they change keys: while not, every request reads
    /// its key from the database.
    #[must_use]
    pub fn hears_changes(&self) -> bool {
        self.0.changes.listening()
    }

    /// Tells every replica, this one first, that a key was changed. Call it once the change is
    /// committed.
    pub(crate) async fn announce(&self, key: ApiKeyId) {
        self.0.changes.one(key.0);
        let mut redis = self.0.redis.clone();
        let told: Result<(), _> = redis.publish(CHANGES_CHANNEL, format!("key:{key}")).await;
        if let Err(error) = told {
            // Where Redis is away nobody goes by what they remember.
            tracing::warn!(%error, %key, "could not tell other replicas of a changed key");
        }
    }

    /// Writes down which keys were used, which happens by itself every other second.
    ///
    /// # Errors
    /// Where the database is away; then it is written later.
    pub async fn note_uses(&self) -> onelastai_db::DbResult<()> {
        self.0.uses.write(&self.0.pool).await
    }
}

async fn note_uses(inner: Weak<Inner>) {
    let mut ticks = tokio::time::interval(NOTE);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(inner) = inner.upgrade() else { return };
        if let Err(error) = inner.uses.write(&inner.pool).await {
            tracing::warn!(%error, "could not note which keys were used");
        }
    }
}
