//! Agents as people choose one.

use onelastai_types::{AgentId, Tier};

use crate::{Agent, AgentError, AgentService, Avatar, Viewer};

/// What an agent shows of itself: not how it is made, whose instructions can be long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentCard {
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
    /// Questions to begin with.
    pub starters: Vec<String>,
    /// The subscription that its use takes. Whoever starts an answer checks it.
    pub required_tier: Tier,
}

impl Agent {
    /// What it shows of itself.
    #[must_use]
    pub fn card(&self) -> AgentCard {
        AgentCard {
            id: self.id,
            slug: self.slug.clone(),
            name: self.name.clone(),
            avatar: self.avatar,
            description: self.description.clone(),
            starters: self.starters.clone(),
            required_tier: self.required_tier,
        }
    }
}

struct Row {
    id: AgentId,
    slug: String,
    name: String,
    avatar: String,
    description: String,
    starters: Vec<String>,
    required_tier: String,
}

impl From<Row> for AgentCard {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            slug: row.slug,
            name: row.name,
            // Unreadable ones as in an [`Agent`]: plain, and closed.
            avatar: row.avatar.parse().unwrap_or_default(),
            description: row.description,
            starters: row.starters,
            required_tier: row.required_tier.parse().unwrap_or(Tier::Enterprise),
        }
    }
}

impl AgentService {
    /// The agents that this person may talk to: their own, those of the platform, those of
    /// others; at most 200. Those after the last one are there all the same, for
    /// [`AgentService::card_by_slug`].
    ///
    /// # Errors
    /// As any query.
    pub async fn list(&self, viewer: &Viewer) -> Result<Vec<AgentCard>, AgentError> {
        let rows = sqlx::query_as!(
            Row,
            "SELECT id, slug, name, avatar, description, starters, required_tier
             FROM agents a
             WHERE archived_at IS NULL AND deleted_at IS NULL
               AND agent_usable_by(a, $1, $2)
             ORDER BY owner_id IS NOT DISTINCT FROM $1 DESC, owner_id IS NOT NULL,
                      created_at, id
             LIMIT 200",
            viewer.user.0,
            &viewer.groups,
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(AgentCard::from).collect())
    }

    /// The agent of this slug, if this person may begin to talk to it.
    ///
    /// # Errors
    /// [`AgentError::NotFound`] also where it is somebody else's.
    pub async fn card_by_slug(&self, viewer: &Viewer, slug: &str) -> Result<AgentCard, AgentError> {
        Ok(self.by_slug(viewer, slug).await?.card())
    }
}
