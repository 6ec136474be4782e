//! Reading agents.

use onelastai_db::{DbError, PgPool};
use onelastai_types::{AgentId, UserId};
use serde::{Deserialize, Serialize};

/// Why an agent could not be had.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// There is none of that name, or not for this person.
    #[error("no such agent")]
    NotFound,
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<sqlx::Error> for AgentError {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

/// How a model is to answer; what is not set is left to the model's own settings.
/// Names and ranges: Ollama, `docs/modelfile.md`, PARAMETER.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Parameters {
    /// 0 to 2: how freely it chooses.
    pub temperature: Option<f32>,
    /// 0 to 1: from which part of the likely tokens.
    pub top_p: Option<f32>,
    /// The same seed gives the same answer.
    pub seed: Option<i64>,
    /// At most this many tokens in an answer.
    pub max_tokens: Option<u32>,
}

/// An agent as a conversation needs it.
#[derive(Debug, Clone, PartialEq)]
pub struct Agent {
    /// Its id.
    pub id: AgentId,
    /// Its part of the address.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// What the model is told before every conversation.
    pub system_prompt: String,
    /// Our names of models, the best first.
    pub model_preferences: Vec<String>,
    /// Never sent to a cloud model.
    pub local_only: bool,
    /// How a model is to answer.
    pub parameters: Parameters,
    /// Questions to begin with.
    pub starters: Vec<String>,
}

struct Row {
    id: AgentId,
    slug: String,
    name: String,
    description: String,
    system_prompt: String,
    model_preferences: Vec<String>,
    local_only: bool,
    parameters: serde_json::Value,
    starters: Vec<String>,
}

impl From<Row> for Agent {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            slug: row.slug,
            name: row.name,
            description: row.description,
            system_prompt: row.system_prompt,
            model_preferences: row.model_preferences,
            local_only: row.local_only,
            // What an older version wrote and this one can't read must not make the
            // agent unusable: the model's own settings hold then.
            parameters: serde_json::from_value(row.parameters).unwrap_or_default(),
            starters: row.starters,
        }
    }
}

/// Agents, for the people who may use them.
#[derive(Debug, Clone)]
pub struct AgentService {
    pool: PgPool,
}

impl AgentService {
    /// On this database.
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// The agents that this person may talk to: one's own and those for everybody.
    ///
    /// # Errors
    /// As any query.
    pub async fn list(&self, user: UserId) -> Result<Vec<Agent>, AgentError> {
        let rows = sqlx::query_as!(
            Row,
            "SELECT id, slug, name, description, system_prompt, model_preferences, local_only,
                    parameters, starters
             FROM agents
             WHERE archived_at IS NULL AND deleted_at IS NULL
               AND (visibility IN ('signed_in', 'public') OR owner_id = $1)
             ORDER BY owner_id IS NULL, created_at, id
             LIMIT 200",
            user.0,
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(Agent::from).collect())
    }

    /// The agent of this slug, if this person may talk to it.
    ///
    /// # Errors
    /// [`AgentError::NotFound`] also where it is somebody else's.
    pub async fn by_slug(&self, user: UserId, slug: &str) -> Result<Agent, AgentError> {
        sqlx::query_as!(
            Row,
            "SELECT id, slug, name, description, system_prompt, model_preferences, local_only,
                    parameters, starters
             FROM agents
             WHERE slug = $2 AND archived_at IS NULL AND deleted_at IS NULL
               AND (visibility IN ('signed_in', 'public') OR owner_id = $1)",
            user.0,
            slug,
        )
        .fetch_optional(&self.pool)
        .await?
        .map(Agent::from)
        .ok_or(AgentError::NotFound)
    }

    /// The agent of a conversation, which goes on even after the agent was archived.
    ///
    /// # Errors
    /// [`AgentError::NotFound`] where there is none of this id.
    pub async fn by_id(&self, id: AgentId) -> Result<Agent, AgentError> {
        sqlx::query_as!(
            Row,
            "SELECT id, slug, name, description, system_prompt, model_preferences, local_only,
                    parameters, starters
             FROM agents WHERE id = $1",
            id.0,
        )
        .fetch_optional(&self.pool)
        .await?
        .map(Agent::from)
        .ok_or(AgentError::NotFound)
    }
}
