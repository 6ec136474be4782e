//! The rows of `user_sessions`, which outlive the sessions themselves.

use onelastai_db::{Actor, AuditEntry, PgPool, record};
use onelastai_types::{UserId, UserSessionId};
use serde_json::{Map, json};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{IdentityError, ending::Ending, session::EndReason, store::text_of_hash};

/// Keycloak's session behind a session of `user` that has not ended.
pub(crate) async fn sid_of(
    pool: &PgPool,
    user: UserId,
    session: UserSessionId,
) -> Result<Option<String>, IdentityError> {
    let sid = sqlx::query_scalar!(
        "SELECT keycloak_session_id FROM user_sessions
         WHERE id = $1 AND user_id = $2 AND ended_at IS NULL AND expires_at > now()",
        session.0,
        user.0,
    )
    .fetch_optional(pool)
    .await?;
    Ok(sid.flatten())
}

/// A session that has not ended, as far as the database knows.
#[derive(Debug)]
pub(crate) struct Open {
    pub id: Uuid,
    keycloak_session_id: Option<String>,
    token_hash: Vec<u8>,
}

impl Open {
    /// The hash of the token and the sid, as Redis has them.
    pub(crate) fn keys(&self) -> (String, String) {
        let hash = text_of_hash(&self.token_hash);
        (hash, self.keycloak_session_id.clone().unwrap_or_default())
    }
}

/// The next open sessions by id. Not those that began just now: a row is there a moment before
/// its session is.
pub(crate) async fn open_after(
    pool: &PgPool,
    after: Uuid,
    most: i64,
) -> Result<Vec<Open>, IdentityError> {
    Ok(sqlx::query_as!(
        Open,
        "SELECT id, keycloak_session_id, token_hash FROM user_sessions
         WHERE ended_at IS NULL AND created_at < now() - interval '5 minutes' AND id > $1
         ORDER BY id LIMIT $2",
        after,
        most,
    )
    .fetch_all(pool)
    .await?)
}

/// Notes that somebody was here.
pub(crate) async fn seen(pool: &PgPool, session: UserSessionId) -> Result<(), IdentityError> {
    sqlx::query!(
        "UPDATE user_sessions SET last_seen_at = now() WHERE id = $1 AND ended_at IS NULL",
        session.0
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Notes the end of one session. Ending what has ended changes nothing.
pub(crate) async fn end_one(
    pool: &PgPool,
    session: UserSessionId,
    ending: &Ending<'_>,
) -> Result<u64, IdentityError> {
    end_these(pool, &[session.0], ending).await
}

/// Notes the end of some sessions. How many had not ended yet.
pub(crate) async fn end_these(
    pool: &PgPool,
    sessions: &[Uuid],
    ending: &Ending<'_>,
) -> Result<u64, IdentityError> {
    let mut transaction = pool.begin().await?;
    let ended = end(&mut transaction, sessions, ending).await?;
    transaction.commit().await?;
    Ok(ended)
}

/// Notes the end of all sessions of some Keycloak sessions. How many there were.
pub(crate) async fn end_keycloak_session(
    pool: &PgPool,
    sid: &str,
    ending: &Ending<'_>,
) -> Result<u64, IdentityError> {
    let mut transaction = pool.begin().await?;
    let ids = sqlx::query_scalar!(
        "SELECT id FROM user_sessions
         WHERE keycloak_session_id = $1 AND ended_at IS NULL AND expires_at > now()",
        sid
    )
    .fetch_all(&mut *transaction)
    .await?;
    let ended = end(&mut transaction, &ids, ending).await?;
    transaction.commit().await?;
    Ok(ended)
}

/// Notes the end of all sessions of a person, but for those of one Keycloak session. How
/// many there were.
pub(crate) async fn end_sessions_of(
    pool: &PgPool,
    user: UserId,
    spared: Option<&str>,
    ending: &Ending<'_>,
) -> Result<u64, IdentityError> {
    let mut transaction = pool.begin().await?;
    let ids = sqlx::query_scalar!(
        "SELECT id FROM user_sessions
         WHERE user_id = $1 AND ended_at IS NULL AND expires_at > now()
           AND ($2::text IS NULL OR keycloak_session_id IS DISTINCT FROM $2)",
        user.0,
        spared,
    )
    .fetch_all(&mut *transaction)
    .await?;
    let ended = end(&mut transaction, &ids, ending).await?;
    transaction.commit().await?;
    Ok(ended)
}

async fn end(
    connection: &mut PgConnection,
    ids: &[Uuid],
    ending: &Ending<'_>,
) -> Result<u64, IdentityError> {
    if ids.is_empty() {
        return Ok(0);
    }
    // In order: two that end the same sessions at once, such as a sign-out and Keycloak's
    // word of it, must not wait for one another.
    let ended = sqlx::query!(
        "WITH live AS (
             SELECT id FROM user_sessions
             WHERE id = ANY($1) AND ended_at IS NULL
             ORDER BY id FOR UPDATE
         )
         UPDATE user_sessions s
         SET ended_at = least(now(), s.expires_at), end_reason = $2
         FROM live, users u
         WHERE s.id = live.id AND u.id = s.user_id
         RETURNING s.id, s.user_id, u.username",
        ids,
        ending.reason.as_str(),
    )
    .fetch_all(&mut *connection)
    .await?;
    let action = match ending.reason {
        EndReason::SignOut => "session.sign_out",
        _ => "session.end",
    };
    let mut count = 0;
    for session in ended {
        let person = || Actor::User {
            id: session.user_id,
            name: session.username.clone(),
        };
        let mut changes = Map::new();
        changes.insert(
            "end_reason".to_owned(),
            json!([null, ending.reason.as_str()]),
        );
        let entry = AuditEntry {
            actor: ending.actor.clone().unwrap_or_else(person),
            origin: ending.origin,
            action,
            target_type: "user_sessions",
            target_id: session.id,
            changes,
        };
        record(connection, entry).await?;
        count += 1;
    }
    Ok(count)
}
