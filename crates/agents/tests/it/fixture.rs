//! People, agents, and what the audit log says of them.

use onelastai_agents::{AgentDraft, AgentService, EditError, Editor, Viewer};
use onelastai_db::{Origin, PgPool, new_id};
use onelastai_types::{AgentId, UserId};
use serde_json::Value;
use uuid::Uuid;

/// A person with an account.
pub async fn person(pool: &PgPool, name: &str) -> UserId {
    let id: UserId = new_id();
    sqlx::query(
        "INSERT INTO users (id, keycloak_issuer, keycloak_subject, username, display_name)
         VALUES ($1, 'issuer', $2, $2, $2)",
    )
    .bind(id.0)
    .bind(name)
    .execute(pool)
    .await
    .unwrap();
    id
}

/// Somebody who makes agents.
pub async fn maker(pool: &PgPool, name: &str) -> Editor {
    let viewer = Viewer {
        manages: true,
        ..Viewer::person(person(pool, name).await)
    };
    editor(viewer, name)
}

pub fn editor(viewer: Viewer, name: &str) -> Editor {
    Editor {
        viewer,
        name: name.to_owned(),
        origin: Origin::default(),
    }
}

pub fn service(pool: &PgPool) -> AgentService {
    AgentService::new(pool.clone())
}

/// A small agent that can be saved.
pub fn draft(slug: &str) -> AgentDraft {
    AgentDraft {
        name: "Tutor".to_owned(),
        slug: slug.to_owned(),
        system_prompt: "Be kind.\nBe brief.".to_owned(),
        ..AgentDraft::default()
    }
}

/// What was done to an agent, in order, with the changes.
pub async fn audited(pool: &PgPool, agent: AgentId) -> Vec<(String, Value)> {
    sqlx::query_as(
        "SELECT action, changes FROM audit_logs
         WHERE target_type = 'agents' AND target_id = $1 ORDER BY id",
    )
    .bind(agent.0)
    .fetch_all(pool)
    .await
    .unwrap()
}

/// The fields that were refused.
pub fn refused<T: std::fmt::Debug>(result: Result<T, EditError>) -> Vec<String> {
    match result {
        Err(EditError::Invalid(errors)) => errors.into_iter().map(|error| error.field).collect(),
        other => panic!("not refused for its fields: {other:?}"),
    }
}

/// A conversation of this person with this agent.
pub async fn conversation(pool: &PgPool, user: UserId, agent: AgentId) -> Uuid {
    let id: Uuid = new_id();
    sqlx::query(
        "INSERT INTO conversations (id, user_id, agent_id, title) VALUES ($1, $2, $3, 't')",
    )
    .bind(id)
    .bind(user.0)
    .bind(agent.0)
    .execute(pool)
    .await
    .unwrap();
    id
}
