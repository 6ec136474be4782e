//! What happens at Keycloak and belongs in the audit log: sign-ins that failed, above all.
//!
//! Keycloak keeps its events for a while and gives the newest, page by page; each is written
//! into the log once, whichever replica sees it first.

use onelastai_db::{Actor, AuditEntry, Origin, record};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

use crate::{
    IdentityError, IdentityService,
    keycloak::{EVENTS_AT_ONCE, Event},
};

/// How many pages of events are read at most, in search of one that is known: as many events
/// as are remembered ([`IdentityService::sweep_events`]).
const MOST_PAGES: usize = 50;

/// Which events, and what they are called in the log. Sign-ins and sign-outs that go well are
/// written by us.
const KINDS: &[(&str, &str)] = &[
    ("LOGIN_ERROR", "session.sign_in_failed"),
    ("REGISTER", "user.register"),
    ("UPDATE_PASSWORD", "user.update_password"),
    ("UPDATE_CREDENTIAL", "user.update_credential"),
    ("REMOVE_CREDENTIAL", "user.remove_credential"),
    ("UPDATE_EMAIL", "user.update_email"),
    ("UPDATE_PROFILE", "user.update_profile"),
    ("RESET_PASSWORD", "user.reset_password"),
    ("USER_DISABLED_BY_TEMPORARY_LOCKOUT", "user.locked_out"),
];

impl IdentityService {
    /// Whether events can be read: there is a client for it.
    #[must_use]
    pub fn sees_events(&self) -> bool {
        self.settings().backend.is_some()
    }

    /// Copies what is new; how much that was. After more than 10,000 events between two calls
    /// the oldest of them are missed; Keycloak still has them. The very first call takes no more
    /// than the newest 200.
    ///
    /// # Errors
    /// Where Keycloak or the database is away, or the service account may not read events.
    pub async fn copy_events(&self) -> Result<usize, IdentityError> {
        let mut copied = 0;
        // The log is in the order of time.
        for (event, key) in self.new_events().await?.iter().rev() {
            copied += usize::from(self.copy_event(event, key).await?);
        }
        Ok(copied)
    }

    /// The events that are not in the log, with their keys, the newest first: page by page,
    /// until one is known. What happens meanwhile only moves events to later pages.
    async fn new_events(&self) -> Result<Vec<(Event, Vec<u8>)>, IdentityError> {
        let kinds: Vec<_> = KINDS.iter().map(|(kind, _)| *kind).collect();
        let mut new = Vec::new();
        for page in 0..MOST_PAGES {
            let events = self
                .keycloak()
                .events(&kinds, page * EVENTS_AT_ONCE)
                .await?;
            let keys: Vec<_> = events.iter().map(key).collect();
            // Nearly all of them are, nearly always.
            let known =
                sqlx::query_scalar!("SELECT key FROM keycloak_events WHERE key = ANY($1)", &keys)
                    .fetch_all(self.pool())
                    .await?;
            let last = events.len() < EVENTS_AT_ONCE;
            let unknown = events.into_iter().zip(keys);
            new.extend(unknown.filter(|(_, key)| !known.contains(key)));
            if last || !known.is_empty() || self.has_no_events().await? {
                return Ok(new);
            }
        }
        tracing::warn!(
            events = new.len(),
            "more happened at Keycloak than is read at once: what is older is not in the audit log"
        );
        Ok(new)
    }

    /// Whether no event was ever copied: then there is nothing to go on from.
    async fn has_no_events(&self) -> Result<bool, IdentityError> {
        Ok(
            sqlx::query_scalar!(r#"SELECT NOT EXISTS (SELECT FROM keycloak_events) AS "none!""#)
                .fetch_one(self.pool())
                .await?,
        )
    }

    async fn copy_event(&self, event: &Event, key: &[u8]) -> Result<bool, IdentityError> {
        let Some((_, action)) = KINDS.iter().find(|(kind, _)| *kind == event.kind) else {
            return Ok(false);
        };
        let mut transaction = self.pool().begin().await?;
        let new = sqlx::query_scalar!(
            "INSERT INTO keycloak_events (key, occurred_at)
             VALUES ($1, to_timestamp($2::bigint / 1000.0))
             ON CONFLICT (key) DO NOTHING RETURNING key",
            key,
            event.time,
        )
        .fetch_optional(&mut *transaction)
        .await?;
        if new.is_none() {
            return Ok(false);
        }
        let user = sqlx::query_scalar!(
            "SELECT id FROM users WHERE keycloak_issuer = $1 AND keycloak_subject = $2",
            self.settings().issuer(),
            event.user_id.as_deref().unwrap_or_default(),
        )
        .fetch_optional(&mut *transaction)
        .await?;
        let (target_type, target_id) = match user {
            Some(user) => ("users", user),
            None => (
                "keycloak_events",
                Uuid::from_slice(&key[..16]).unwrap_or_default(),
            ),
        };
        let origin = Origin {
            address: event.ip_address,
            user_agent: None,
        };
        let entry = AuditEntry {
            actor: Actor::Program("keycloak"),
            origin: &origin,
            action,
            target_type,
            target_id,
            changes: changes(event),
        };
        record(&mut transaction, entry).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Forgets which events were copied so long ago that Keycloak no longer gives them as new.
    ///
    /// # Errors
    /// As any query.
    pub async fn sweep_events(&self) -> Result<u64, IdentityError> {
        let swept = sqlx::query!(
            "DELETE FROM keycloak_events
             WHERE key IN (SELECT key FROM keycloak_events ORDER BY occurred_at DESC OFFSET 10000)"
        )
        .execute(self.pool())
        .await?;
        Ok(swept.rows_affected())
    }
}

/// Keycloak's events have no id that its API gives away in every version; what they say does
/// as well.
fn key(event: &Event) -> Vec<u8> {
    let said = json!([
        event.time,
        event.kind,
        event.user_id,
        event.ip_address,
        event.error,
        event.details.username,
    ]);
    Sha256::digest(said.to_string()).to_vec()
}

fn changes(event: &Event) -> Map<String, Value> {
    let mut changes = Map::new();
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(event.time) * 1_000_000);
    let at = at.ok().and_then(|at| at.format(&Rfc3339).ok());
    for (name, value) in [
        ("username", &event.details.username),
        ("error", &event.error),
        ("at", &at),
    ] {
        if let Some(value) = value {
            changes.insert(name.to_owned(), json!([null, value]));
        }
    }
    changes
}
