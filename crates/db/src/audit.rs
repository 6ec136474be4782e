//! The audit log: who did what, written in the transaction that does it.

use std::net::IpAddr;

use serde_json::{Map, Value};
use sqlx::{PgConnection, types::ipnetwork::IpNetwork};
use uuid::Uuid;

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
/// # Errors
/// As any query.
pub async fn record(connection: &mut PgConnection, entry: AuditEntry<'_>) -> DbResult<()> {
    let (actor_id, actor) = match &entry.actor {
        Actor::User { id, name } => (Some(*id), name.as_str()),
        Actor::Program(name) => (None, *name),
    };
    let user_agent: Option<String> = entry
        .origin
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
        entry.action,
        entry.target_type,
        entry.target_id,
        entry.origin.address.map(IpNetwork::from),
        user_agent,
        Value::Object(entry.changes),
    )
    .execute(connection)
    .await?;
    Ok(())
}
