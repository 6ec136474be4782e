//! Writing to the log.

use std::net::IpAddr;

use serde_json::{Map, Value, json};
use sqlx::{PgConnection, PgPool, types::ipnetwork::IpNetwork};
use uuid::Uuid;

use super::{AuditQuery, ExportFormat};
use crate::{DbResult, new_id};

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A person with an account.
    User {
        /// Of `users`.
        id: Uuid,
        /// The username at the time.
        name: String,
    },
    /// The program itself, such as `onelastai db migrate`.
    Program(&'static str),
}

/// Where a request came from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The address of the peer, or of the client where a trusted proxy names it.
    pub address: Option<IpAddr>,
    /// As the browser says; cut to 400 characters.
    pub user_agent: Option<String>,
}

/// One line of the log.
#[derive(Debug)]
pub struct AuditEntry<'a> {
    /// Who.
    pub actor: Actor,
    /// From where.
    pub origin: &'a Origin,
    /// What: `session.sign_in`, `conversation.delete`.
    pub action: &'static str,
    /// On which kind of thing (a table's name).
    pub target_type: &'static str,
    /// On which one.
    pub target_id: Uuid,
    /// `{"field": [before, after]}`; empty where nothing changed hands.
    pub changes: Map<String, Value>,
}

/// Writes one line, in the caller's transaction: either both happen or neither.
///
/// Let it be the last statement before the commit. From here to the commit the
/// transaction holds the head of the chain, for which all other writers of the log wait
/// (`docs/decisions/0007-audit-chain.md`); were it to lock yet another row, one that one
/// of them holds, PostgreSQL would have to end one of the two as a deadlock.
///
/// # Errors
/// As any query.
pub async fn record(connection: &mut PgConnection, entry: AuditEntry<'_>) -> DbResult<()> {
    let target = (entry.target_type, Some(entry.target_id));
    let changes = Value::Object(entry.changes);
    write(
        connection,
        &entry.actor,
        entry.origin,
        entry.action,
        target,
        changes,
    )
    .await
}

/// Notes, as `audit.export`, that somebody takes a copy of what the query finds. Call it
/// before [`export`](super::export), so that a copy that breaks off is in the log too;
/// its own line is then part of the copy where the query fits it.
///
/// # Errors
/// As any query.
pub async fn record_export(
    pool: &PgPool,
    actor: &Actor,
    origin: &Origin,
    query: &AuditQuery,
    format: ExportFormat,
) -> DbResult<()> {
    let mut changes = query.as_changes();
    changes.insert("format".to_owned(), json!([null, format]));
    let mut connection = pool.acquire().await?;
    let target = ("audit_logs", None);
    let changes = Value::Object(changes);
    write(
        &mut connection,
        actor,
        origin,
        "audit.export",
        target,
        changes,
    )
    .await
}

/// Notes, as `database.migrate`, which migrations (by their numbers) were applied; nothing where
/// there were none.
///
/// # Errors
/// As any query; also where the database has no log yet.
pub async fn record_migration(pool: &PgPool, actor: &Actor, versions: &[i64]) -> DbResult<()> {
    if versions.is_empty() {
        return Ok(());
    }
    let changes = json!({ "versions": [null, versions] });
    let mut connection = pool.acquire().await?;
    let target = ("_sqlx_migrations", None);
    write(
        &mut connection,
        actor,
        &Origin::default(),
        "database.migrate",
        target,
        changes,
    )
    .await
}

async fn write(
    connection: &mut PgConnection,
    actor: &Actor,
    origin: &Origin,
    action: &'static str,
    (target_type, target_id): (&'static str, Option<Uuid>),
    changes: Value,
) -> DbResult<()> {
    let (actor_id, actor) = match actor {
        Actor::User { id, name } => (Some(*id), name.as_str()),
        Actor::Program(name) => (None, *name),
    };
    let user_agent: Option<String> = origin
        .user_agent
        .as_ref()
        .map(|text| text.chars().take(400).collect());
    sqlx::query!(
        "INSERT INTO audit_logs
             (id, actor_id, actor, action, target_type, target_id, address, user_agent, changes)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        new_id::<Uuid>(),
        actor_id,
        actor,
        action,
        target_type,
        target_id,
        origin.address.map(IpNetwork::from),
        user_agent,
        changes,
    )
    .execute(connection)
    .await?;
    Ok(())
}
