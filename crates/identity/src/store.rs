//! Sessions in Redis. Each key has a lifetime.
//!
//! | key (`onelastai:…`) | what |
//! |---|---|
//! | `session:{hash}` | one session, by the hash of the token that the browser holds |
//! | `keycloak:{sid}` | facts and tokens that all sessions of a Keycloak session share |
//! | `keycloak:{sid}:sessions` | the hashes of those sessions |
//! | `keycloak:{sid}:lock` | held by the one who refreshes |
//! | `keycloak:{sid}:ended` | that it has ended |
//! | `person:{user}` | the sids of a person |
//!
//! A session is alive while both of the first two are.

use std::{sync::LazyLock, time::Duration};

use onelastai_types::{UserId, UserSessionId};
use redis::{AsyncCommands, Script, aio::ConnectionManager};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    IdentityError, Secret,
    keycloak::{PATIENCE, Pending},
    session::{EndReason, Facts, KeptTokens, Record},
};

/// A sign-in that began is forgotten after this long.
const SIGN_IN_PATIENCE: Duration = Duration::from_secs(600);

/// A message that was not taken is kept for this long.
const DRAFT_PATIENCE: Duration = Duration::from_secs(600);

/// That a Keycloak session has ended is remembered for longer than an access token of it
/// lives, in seconds.
const ENDED_MEMORY: u64 = 3600;

/// A lock goes away by itself after this long: longer than the slowest refresh takes.
const LOCK_LIFETIME: Duration = PATIENCE.saturating_mul(3);

/// That somebody was here is noted at most this often, in seconds.
pub(crate) const SEEN_PAUSE: u64 = 60;

static OPEN: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/open.lua")));
static JOIN: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/join.lua")));
static LEAVE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/leave.lua")));
static SETTLE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/settle.lua")));
static END: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/end.lua")));

/// What Redis holds.
#[derive(Clone)]
pub(crate) struct SessionStore {
    connection: ConnectionManager,
}

/// Which Keycloak sessions to end.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Which<'a> {
    Sid(&'a str),
    /// All of a person, but for one.
    Person(UserId, Option<&'a str>),
}

/// The hash of a token, as keys have it.
pub(crate) fn hash_text(token: &Secret) -> String {
    text_of_hash(&token.hash())
}

/// The same, from the hash that the database has.
pub(crate) fn text_of_hash(hash: &[u8]) -> String {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    URL_SAFE_NO_PAD.encode(hash)
}

fn session_key(hash: &str) -> String {
    format!("onelastai:session:{hash}")
}

fn record_key(sid: &str) -> String {
    format!("onelastai:keycloak:{sid}")
}

fn members_key(sid: &str) -> String {
    format!("onelastai:keycloak:{sid}:sessions")
}

fn lock_key(sid: &str) -> String {
    format!("onelastai:keycloak:{sid}:lock")
}

fn ended_key(sid: &str) -> String {
    format!("onelastai:keycloak:{sid}:ended")
}

fn person_key(user: UserId) -> String {
    format!("onelastai:person:{user}")
}

fn draft_key(session: UserSessionId, place: &str) -> String {
    format!("onelastai:draft:{session}:{place}")
}

fn pending_key(state: &str) -> String {
    format!("onelastai:sign-in:{state}")
}

/// A record that another version wrote and this one can't read counts as absent.
fn read<T: DeserializeOwned>(json: Option<String>) -> Option<T> {
    json.and_then(|json| serde_json::from_str(&json).ok())
}

fn write(value: &impl Serialize) -> Result<String, IdentityError> {
    serde_json::to_string(value).map_err(|error| IdentityError::Unverified(error.to_string()))
}

impl SessionStore {
    pub(crate) fn new(connection: ConnectionManager) -> Self {
        Self { connection }
    }

    /// A session after a sign-in. `false` where Keycloak has ended its own meanwhile.
    pub(crate) async fn open(
        &self,
        hash: &str,
        record: &Record,
        facts: &Facts,
        tokens: &KeptTokens,
        lifetime: Duration,
    ) -> Result<bool, IdentityError> {
        let sid = &record.sid;
        let mut call = OPEN.key(record_key(sid));
        call.key(members_key(sid))
            .key(lock_key(sid))
            .key(ended_key(sid))
            .key(person_key(facts.user))
            .key(session_key(hash))
            .arg(write(facts)?)
            .arg(write(tokens)?)
            .arg(write(record)?)
            .arg(hash)
            .arg(sid)
            .arg(lifetime.as_secs());
        Ok(call.invoke_async(&mut self.connection.clone()).await?)
    }

    /// One more session beside its parent. `false` where that has ended.
    pub(crate) async fn join(
        &self,
        hash: &str,
        record: &Record,
        parent: &str,
        lifetime: Duration,
    ) -> Result<bool, IdentityError> {
        let mut call = JOIN.key(record_key(&record.sid));
        call.key(members_key(&record.sid))
            .key(session_key(parent))
            .key(session_key(hash))
            .arg(write(record)?)
            .arg(hash)
            .arg(lifetime.as_secs());
        Ok(call.invoke_async(&mut self.connection.clone()).await?)
    }

    /// The session of a token.
    pub(crate) async fn session(&self, hash: &str) -> Result<Option<Record>, IdentityError> {
        Ok(read(self.connection.clone().get(session_key(hash)).await?))
    }

    /// What is known of the person of a session, and whether it is time to note down that
    /// they were here.
    pub(crate) async fn facts_seen(
        &self,
        record: &Record,
    ) -> Result<Option<(Facts, bool)>, IdentityError> {
        let (json, seen): (Option<String>, Option<String>) = redis::pipe()
            .hget(record_key(&record.sid), "facts")
            .cmd("SET")
            .arg(format!("onelastai:seen:{}", record.id))
            .arg(1)
            .arg("NX")
            .arg("EX")
            .arg(SEEN_PAUSE)
            .query_async(&mut self.connection.clone())
            .await?;
        Ok(read(json).map(|facts| (facts, seen.is_some())))
    }

    pub(crate) async fn facts(&self, sid: &str) -> Result<Option<Facts>, IdentityError> {
        let mut connection = self.connection.clone();
        Ok(read(connection.hget(record_key(sid), "facts").await?))
    }

    pub(crate) async fn tokens(&self, sid: &str) -> Result<Option<KeptTokens>, IdentityError> {
        let mut connection = self.connection.clone();
        Ok(read(connection.hget(record_key(sid), "tokens").await?))
    }

    /// Which of these sessions (by token hash and sid) are alive.
    pub(crate) async fn alive(
        &self,
        sessions: &[(String, String)],
    ) -> Result<Vec<bool>, IdentityError> {
        if sessions.is_empty() {
            return Ok(Vec::new());
        }
        let mut pipe = redis::pipe();
        for (hash, sid) in sessions {
            pipe.cmd("EXISTS")
                .arg(session_key(hash))
                .arg(record_key(sid));
        }
        let found: Vec<u8> = pipe.query_async(&mut self.connection.clone()).await?;
        Ok(found.into_iter().map(|count| count == 2).collect())
    }

    /// The right to refresh, for one at a time.
    pub(crate) async fn lock(&self, sid: &str) -> Result<Option<Secret>, IdentityError> {
        let token = Secret::random();
        let got = self
            .once(&lock_key(sid), token.expose(), LOCK_LIFETIME)
            .await?;
        Ok(got.then_some(token))
    }

    /// What came of a refresh, and the lock back. `false` where the lock was lost or the
    /// session ended.
    pub(crate) async fn settle(
        &self,
        sid: &str,
        lock: &Secret,
        facts: &Facts,
        tokens: Option<&KeptTokens>,
    ) -> Result<bool, IdentityError> {
        let mut call = SETTLE.key(record_key(sid));
        call.key(lock_key(sid))
            .arg(lock.expose())
            .arg(write(facts)?)
            .arg(tokens.map(write).transpose()?.unwrap_or_default());
        Ok(call.invoke_async(&mut self.connection.clone()).await?)
    }

    /// Ends one session of several.
    pub(crate) async fn leave(
        &self,
        hash: &str,
        sid: &str,
        user: UserId,
    ) -> Result<(), IdentityError> {
        let mut call = LEAVE.key(session_key(hash));
        call.key(record_key(sid))
            .key(members_key(sid))
            .key(person_key(user))
            .arg(hash)
            .arg(sid);
        let _: bool = call.invoke_async(&mut self.connection.clone()).await?;
        Ok(())
    }

    /// Ends all sessions of these Keycloak sessions, in one step. Gives the sids that were
    /// alive, and their tokens.
    pub(crate) async fn end(
        &self,
        which: Which<'_>,
        reason: EndReason,
    ) -> Result<Vec<(String, Option<KeptTokens>)>, IdentityError> {
        let mut call = END.prepare_invoke();
        let mark = if reason.is_final() { "final" } else { "out" };
        call.arg(mark).arg(ENDED_MEMORY);
        match which {
            Which::Sid(sid) => call.arg("").arg(sid),
            Which::Person(user, spared) => {
                call.key(person_key(user)).arg(spared.unwrap_or_default())
            }
        };
        let flat: Vec<String> = call.invoke_async(&mut self.connection.clone()).await?;
        Ok(flat
            .chunks_exact(2)
            .map(|pair| (pair[0].clone(), serde_json::from_str(&pair[1]).ok()))
            .collect())
    }

    /// Whether a Keycloak session is known to have ended.
    pub(crate) async fn has_ended(&self, sid: &str) -> Result<bool, IdentityError> {
        Ok(self.connection.clone().exists(ended_key(sid)).await?)
    }

    /// Notes `key` if it isn't yet: `true` the first time.
    pub(crate) async fn once(
        &self,
        key: &str,
        value: &str,
        lifetime: Duration,
    ) -> Result<bool, IdentityError> {
        let set: Option<String> = redis::cmd("SET")
            .arg(key)
            .arg(value)
            .arg("NX")
            .arg("PX")
            .arg(u64::try_from(lifetime.as_millis()).unwrap_or(u64::MAX))
            .query_async(&mut self.connection.clone())
            .await?;
        Ok(set.is_some())
    }

    /// Keeps something for a while.
    pub(crate) async fn keep(
        &self,
        key: &str,
        value: &impl Serialize,
        lifetime: Duration,
    ) -> Result<(), IdentityError> {
        let mut connection = self.connection.clone();
        Ok(connection
            .set_ex(key, write(value)?, lifetime.as_secs())
            .await?)
    }

    /// Takes it out: it is there once.
    pub(crate) async fn take<T: DeserializeOwned>(
        &self,
        key: &str,
    ) -> Result<Option<T>, IdentityError> {
        Ok(read(self.connection.clone().get_del(key).await?))
    }

    /// Tells whoever listens.
    pub(crate) async fn publish(&self, channel: &str, message: &str) -> Result<(), IdentityError> {
        Ok(self.connection.clone().publish(channel, message).await?)
    }

    pub(crate) async fn forget(&self, key: &str) -> Result<(), IdentityError> {
        Ok(self.connection.clone().del(key).await?)
    }

    pub(crate) async fn put_pending(
        &self,
        state: &str,
        pending: &Pending,
    ) -> Result<(), IdentityError> {
        self.keep(&pending_key(state), pending, SIGN_IN_PATIENCE)
            .await
    }

    /// Takes it out: a sign-in comes back once.
    pub(crate) async fn take_pending(&self, state: &str) -> Result<Option<Pending>, IdentityError> {
        self.take(&pending_key(state)).await
    }

    pub(crate) async fn put_draft(
        &self,
        session: UserSessionId,
        place: &str,
        text: &str,
    ) -> Result<(), IdentityError> {
        let key = draft_key(session, place);
        let mut connection = self.connection.clone();
        Ok(connection
            .set_ex(key, text, DRAFT_PATIENCE.as_secs())
            .await?)
    }

    pub(crate) async fn draft(
        &self,
        session: UserSessionId,
        place: &str,
    ) -> Result<Option<String>, IdentityError> {
        Ok(self
            .connection
            .clone()
            .get(draft_key(session, place))
            .await?)
    }

    pub(crate) async fn remove_draft(
        &self,
        session: UserSessionId,
        place: &str,
    ) -> Result<(), IdentityError> {
        self.forget(&draft_key(session, place)).await
    }
}
