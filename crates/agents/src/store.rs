//! The agents that people may see and use.

use onelastai_db::PgPool;
use onelastai_types::{AgentId, Tier};

use crate::{AgentError, Avatar, Parameters, Viewer, slug::is_askable};

/// An agent as a conversation needs it.
#[derive(Debug, Clone, PartialEq)]
pub struct Agent {
    /// Its id.
    pub id: AgentId,
    /// Its part of the address.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// Its look.
    pub avatar: Avatar,
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
    /// The subscription that its use takes. Whoever starts an answer checks it.
    pub required_tier: Tier,
    /// Which of its versions this is, from 1.
    pub version: i32,
}

/// What everybody may see of a public agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentLook {
    /// Its part of the address.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// Its look.
    pub avatar: Avatar,
}

struct Row {
    id: AgentId,
    slug: String,
    name: String,
    avatar: String,
    description: String,
    system_prompt: String,
    model_preferences: Vec<String>,
    local_only: bool,
    parameters: serde_json::Value,
    starters: Vec<String>,
    required_tier: String,
    current_version: i32,
}

impl From<Row> for Agent {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            slug: row.slug,
            name: row.name,
            // What another version wrote and this one can't read must not make the agent
            // unusable: it looks plain then, and the model's own settings hold.
            avatar: row.avatar.parse().unwrap_or_default(),
            description: row.description,
            system_prompt: row.system_prompt,
            model_preferences: row.model_preferences,
            local_only: row.local_only,
            parameters: serde_json::from_value(row.parameters).unwrap_or_default(),
            starters: row.starters,
            // Nor may it open what was closed.
            required_tier: row.required_tier.parse().unwrap_or(Tier::Enterprise),
            version: row.current_version,
        }
    }
}

/// Agents, for the people who may use or edit them. Clones share the pool.
#[derive(Debug, Clone)]
pub struct AgentService {
    pub(crate) pool: PgPool,
}

impl AgentService {
    /// On this database.
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// The agent of this slug, if this person may begin to talk to it.
    ///
    /// # Errors
    /// [`AgentError::NotFound`] also where it is somebody else's.
    pub async fn by_slug(&self, viewer: &Viewer, slug: &str) -> Result<Agent, AgentError> {
        if !is_askable(slug) {
            return Err(AgentError::NotFound);
        }
        sqlx::query_as!(
            Row,
            "SELECT id, slug, name, avatar, description, system_prompt, model_preferences,
                    local_only, parameters, starters, required_tier, current_version
             FROM agents a
             WHERE slug = $3 AND archived_at IS NULL AND deleted_at IS NULL
               AND agent_usable_by(a, $1, $2)",
            viewer.user.0,
            &viewer.groups,
            slug,
        )
        .fetch_optional(&self.pool)
        .await?
        .map(Agent::from)
        .ok_or(AgentError::NotFound)
    }

    /// The agent of a conversation that this person goes on with. Archived agents still
    /// answer there; deleted ones don't, nor those that this person may not use any more.
    ///
    /// # Errors
    /// [`AgentError::NotFound`] then.
    pub async fn to_go_on(&self, viewer: &Viewer, id: AgentId) -> Result<Agent, AgentError> {
        sqlx::query_as!(
            Row,
            "SELECT id, slug, name, avatar, description, system_prompt, model_preferences,
                    local_only, parameters, starters, required_tier, current_version
             FROM agents a
             WHERE id = $3 AND deleted_at IS NULL AND agent_usable_by(a, $1, $2)",
            viewer.user.0,
            &viewer.groups,
            id.0,
        )
        .fetch_optional(&self.pool)
        .await?
        .map(Agent::from)
        .ok_or(AgentError::NotFound)
    }

    /// The agent of a conversation that its person reads, whatever became of the agent.
    /// The caller has checked that the conversation is theirs.
    ///
    /// # Errors
    /// [`AgentError::NotFound`] where there is none of this id.
    pub async fn by_id(&self, id: AgentId) -> Result<Agent, AgentError> {
        sqlx::query_as!(
            Row,
            "SELECT id, slug, name, avatar, description, system_prompt, model_preferences,
                    local_only, parameters, starters, required_tier, current_version
             FROM agents WHERE id = $1",
            id.0,
        )
        .fetch_optional(&self.pool)
        .await?
        .map(Agent::from)
        .ok_or(AgentError::NotFound)
    }

    /// What somebody who is not signed in may see of the agent of this slug.
    ///
    /// # Errors
    /// [`AgentError::NotFound`] where it is not a public one.
    pub async fn look(&self, slug: &str) -> Result<AgentLook, AgentError> {
        if !is_askable(slug) {
            return Err(AgentError::NotFound);
        }
        sqlx::query!(
            "SELECT slug, name, avatar FROM agents
             WHERE slug = $1 AND visibility = 'public'
               AND archived_at IS NULL AND deleted_at IS NULL",
            slug,
        )
        .fetch_optional(&self.pool)
        .await?
        .map(|row| AgentLook {
            slug: row.slug,
            name: row.name,
            avatar: row.avatar.parse().unwrap_or_default(),
        })
        .ok_or(AgentError::NotFound)
    }

    /// Whether everybody may use the agent of this slug who signs in. To say so to a stranger
    /// gives nothing away: anybody can find out.
    ///
    /// # Errors
    /// As any query.
    pub async fn is_for_everybody(&self, slug: &str) -> Result<bool, AgentError> {
        if !is_askable(slug) {
            return Ok(false);
        }
        let found = sqlx::query_scalar!(
            "SELECT id FROM agents
             WHERE slug = $1 AND visibility IN ('signed_in', 'public')
               AND archived_at IS NULL AND deleted_at IS NULL",
            slug,
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(found.is_some())
    }
}
