//! Accounts: made and brought up to date at each sign-in.

use onelastai_db::{Actor, AuditEntry, Origin, PgPool, new_id, record};
use onelastai_types::{UserId, UserSessionId};
use serde_json::Map;
use sqlx::types::ipnetwork::IpNetwork;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::IdentityError;

/// A person as Keycloak describes them.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub issuer: String,
    pub subject: String,
    pub username: String,
    pub name: String,
    pub email: Option<String>,
    pub email_verified: bool,
    pub locale: Option<String>,
}

/// A session to note down.
#[derive(Debug)]
pub(crate) struct NewSession<'a> {
    pub keycloak_session: Option<&'a str>,
    pub host: &'a str,
    pub token_hash: [u8; 32],
    pub expires_at: OffsetDateTime,
    pub origin: &'a Origin,
}

/// Notes a sign-in: the account, the session and the audit log in one transaction.
pub(crate) async fn sign_in(
    pool: &PgPool,
    person: &Person,
    session: &NewSession<'_>,
) -> Result<(UserId, UserSessionId), IdentityError> {
    let mut transaction = pool.begin().await?;
    let user = sqlx::query!(
        "INSERT INTO users (id, keycloak_issuer, keycloak_subject, username, display_name, email,
                            email_verified, locale, last_sign_in_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, now())
         ON CONFLICT ON CONSTRAINT users_keycloak_identity_key DO UPDATE
         SET username = excluded.username, display_name = excluded.display_name,
             email = excluded.email, email_verified = excluded.email_verified,
             locale = coalesce(excluded.locale, users.locale), last_sign_in_at = now()
         RETURNING id, disabled_at",
        new_id::<Uuid>(),
        person.issuer,
        person.subject,
        person.username,
        person.name,
        person.email,
        person.email_verified,
        person.locale,
    )
    .fetch_one(&mut *transaction)
    .await?;
    if user.disabled_at.is_some() {
        return Err(IdentityError::Disabled);
    }
    let id: UserSessionId = new_id();
    let user_agent: Option<String> = session
        .origin
        .user_agent
        .as_ref()
        .map(|text| text.chars().take(400).collect());
    sqlx::query!(
        "INSERT INTO user_sessions (id, user_id, keycloak_session_id, host, token_hash, address,
                                    user_agent, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        id.0,
        user.id,
        session.keycloak_session,
        session.host,
        &session.token_hash[..],
        session.origin.address.map(IpNetwork::from),
        user_agent,
        session.expires_at,
    )
    .execute(&mut *transaction)
    .await?;
    let entry = entry(
        person.username.clone(),
        user.id,
        id,
        session.origin,
        "session.sign_in",
    );
    record(&mut transaction, entry).await?;
    transaction.commit().await?;
    Ok((user.id.into(), id))
}

/// Notes the end of a session. Ending one that has ended changes nothing.
pub(crate) async fn end_session(
    pool: &PgPool,
    session: &crate::Session,
    reason: &'static str,
    origin: &Origin,
) -> Result<(), IdentityError> {
    let mut transaction = pool.begin().await?;
    let ended = sqlx::query!(
        "UPDATE user_sessions SET ended_at = now(), end_reason = $2
         WHERE id = $1 AND ended_at IS NULL",
        session.id.0,
        reason,
    )
    .execute(&mut *transaction)
    .await?;
    if ended.rows_affected() == 1 {
        let entry = entry(
            session.username.clone(),
            session.user.0,
            session.id,
            origin,
            "session.sign_out",
        );
        record(&mut transaction, entry).await?;
    }
    transaction.commit().await?;
    Ok(())
}

fn entry<'a>(
    name: String,
    user: Uuid,
    session: UserSessionId,
    origin: &'a Origin,
    action: &'static str,
) -> AuditEntry<'a> {
    AuditEntry {
        actor: Actor::User { id: user, name },
        origin,
        action,
        target_type: "user_sessions",
        target_id: session.0,
        changes: Map::new(),
    }
}
