//! Accounts: made and brought up to date at each sign-in.

use onelastai_db::{Actor, AuditEntry, Origin, PgPool, new_id, record};
use onelastai_types::{Tier, UserId, UserSessionId};
use serde_json::{Map, json};
use sqlx::{PgConnection, types::ipnetwork::IpNetwork};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{IdentityError, grants, keycloak::Told};

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

impl Person {
    /// From what a token says; a person without a name goes by their username, and one
    /// without that by Keycloak's id.
    pub(crate) fn new(
        issuer: &str,
        subject: &str,
        username: Option<&str>,
        name: Option<&str>,
        email: Option<String>,
        email_verified: bool,
        locale: Option<String>,
    ) -> Self {
        let username = username.filter(|name| !name.is_empty()).unwrap_or(subject);
        let name = name
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .unwrap_or(username);
        Self {
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
            username: username.to_owned(),
            name: name.to_owned(),
            email,
            email_verified,
            locale,
        }
    }
}

/// A session to note down.
#[derive(Debug)]
pub(crate) struct NewSession<'a> {
    pub keycloak_session: &'a str,
    pub host: &'a str,
    pub token_hash: [u8; 32],
    pub expires_at: OffsetDateTime,
    pub origin: &'a Origin,
}

/// Notes a sign-in: the account, the session and the audit log in one transaction. A sign-in
/// to a closed account is noted as refused.
pub(crate) async fn sign_in(
    pool: &PgPool,
    told: &Told,
    session: &NewSession<'_>,
) -> Result<(UserId, UserSessionId), IdentityError> {
    let person = &told.person;
    let mut transaction = pool.begin().await?;
    let user = sqlx::query!(
        "INSERT INTO users (id, keycloak_issuer, keycloak_subject, username, display_name, email,
                            email_verified, locale, last_sign_in_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, now())
         ON CONFLICT ON CONSTRAINT users_keycloak_identity_key DO UPDATE
         SET username = excluded.username, display_name = excluded.display_name,
             email = excluded.email, email_verified = excluded.email_verified,
             locale = coalesce(excluded.locale, users.locale),
             last_sign_in_at = CASE WHEN users.disabled_at IS NULL THEN now()
                                    ELSE users.last_sign_in_at END
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
    let actor = Actor::User {
        id: user.id,
        name: person.username.clone(),
    };
    if user.disabled_at.is_some() {
        record(&mut transaction, refusal(actor, user.id, session.origin)).await?;
        transaction.commit().await?;
        return Err(IdentityError::Disabled);
    }
    let id = open_session(&mut transaction, user.id, session).await?;
    grants::note(&mut transaction, user.id.into(), told).await?;
    let entry = entry(actor, id.0, session.origin, "session.sign_in");
    record(&mut transaction, entry).await?;
    transaction.commit().await?;
    Ok((user.id.into(), id))
}

/// Notes a session that was handed over to another host.
pub(crate) async fn hand_over(
    pool: &PgPool,
    user: UserId,
    username: String,
    session: &NewSession<'_>,
) -> Result<UserSessionId, IdentityError> {
    let mut transaction = pool.begin().await?;
    let id = open_session(&mut transaction, user.0, session).await?;
    let actor = Actor::User {
        id: user.0,
        name: username,
    };
    let mut entry = entry(actor, id.0, session.origin, "session.hand_over");
    entry
        .changes
        .insert("host".to_owned(), json!([null, session.host]));
    record(&mut transaction, entry).await?;
    transaction.commit().await?;
    Ok(id)
}

async fn open_session(
    connection: &mut PgConnection,
    user: Uuid,
    session: &NewSession<'_>,
) -> Result<UserSessionId, IdentityError> {
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
        user,
        session.keycloak_session,
        session.host,
        &session.token_hash[..],
        session.origin.address.map(IpNetwork::from),
        user_agent,
        session.expires_at,
    )
    .execute(connection)
    .await?;
    Ok(id)
}

/// Brings an account up to date with what Keycloak says now, and notes roles and groups that
/// are others than before, in one transaction. Tells whether the account is closed.
pub(crate) async fn refresh(
    pool: &PgPool,
    user: UserId,
    told: &Told,
) -> Result<bool, IdentityError> {
    let person = &told.person;
    let mut transaction = pool.begin().await?;
    // Writes only where something is different: this runs for everybody, every minute.
    sqlx::query!(
        "UPDATE users
         SET username = $2, display_name = $3, email = $4, email_verified = $5,
             locale = coalesce($6, locale)
         WHERE id = $1
           AND (username, display_name, email, email_verified, locale)
               IS DISTINCT FROM ($2, $3, $4, $5, coalesce($6, locale))",
        user.0,
        person.username,
        person.name,
        person.email,
        person.email_verified,
        person.locale,
    )
    .execute(&mut *transaction)
    .await?;
    let disabled = sqlx::query_scalar!(
        r#"SELECT disabled_at IS NOT NULL AS "disabled!" FROM users WHERE id = $1"#,
        user.0
    )
    .fetch_optional(&mut *transaction)
    .await?;
    // An account that is gone is closed, and has no roles to note.
    let Some(disabled) = disabled else {
        return Ok(true);
    };
    grants::note(&mut transaction, user, told).await?;
    transaction.commit().await?;
    Ok(disabled)
}

/// The account of a person who comes without a browser, made where there is none yet.
pub(crate) async fn of_token(
    pool: &PgPool,
    person: &Person,
) -> Result<(UserId, Tier), IdentityError> {
    let known = sqlx::query!(
        "SELECT id, disabled_at, subscription_tier FROM users
         WHERE keycloak_issuer = $1 AND keycloak_subject = $2",
        person.issuer,
        person.subject,
    )
    .fetch_optional(pool)
    .await?;
    let (id, disabled_at, tier) = match known {
        Some(user) => (user.id, user.disabled_at, user.subscription_tier),
        None => {
            // Two first requests at once: the second finds what the first made.
            let user = sqlx::query!(
                "INSERT INTO users (id, keycloak_issuer, keycloak_subject, username, display_name,
                                    email, email_verified, locale)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
                 ON CONFLICT ON CONSTRAINT users_keycloak_identity_key
                 DO UPDATE SET username = excluded.username
                 RETURNING id, disabled_at, subscription_tier",
                new_id::<Uuid>(),
                person.issuer,
                person.subject,
                person.username,
                person.name,
                person.email,
                person.email_verified,
                person.locale,
            )
            .fetch_one(pool)
            .await?;
            (user.id, user.disabled_at, user.subscription_tier)
        }
    };
    if disabled_at.is_some() {
        return Err(IdentityError::Disabled);
    }
    // The column's check lets no other name in.
    Ok((id.into(), tier.parse().unwrap_or_default()))
}

/// The line of a sign-in that went well at Keycloak, to an account that is closed here.
fn refusal(actor: Actor, user: Uuid, origin: &Origin) -> AuditEntry<'_> {
    AuditEntry {
        actor,
        origin,
        action: "session.sign_in_refused",
        target_type: "users",
        target_id: user,
        changes: Map::from_iter([("error".to_owned(), json!([null, "account_closed"]))]),
    }
}

fn entry<'a>(
    actor: Actor,
    session: Uuid,
    origin: &'a Origin,
    action: &'static str,
) -> AuditEntry<'a> {
    AuditEntry {
        actor,
        origin,
        action,
        target_type: "user_sessions",
        target_id: session,
        changes: Map::new(),
    }
}

/// The account of Keycloak's id of a person.
pub(crate) async fn by_subject(
    pool: &PgPool,
    issuer: &str,
    subject: &str,
) -> Result<Option<UserId>, IdentityError> {
    let id = sqlx::query_scalar!(
        "SELECT id FROM users WHERE keycloak_issuer = $1 AND keycloak_subject = $2",
        issuer,
        subject,
    )
    .fetch_optional(pool)
    .await?;
    Ok(id.map(UserId::from))
}
