//! The versions of an agent: every save that changed something, kept as it was.

use onelastai_types::{AgentId, UserId};
use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::{
    AgentDraft, AgentService, EditError, Editor, FieldChange, Saved, Viewer, compare,
    error::unreadable,
    save::{lock, save},
};

/// The newest versions that a list shows.
const LIST: i64 = 1000;

/// One version.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentVersion {
    /// Of which agent.
    pub agent: AgentId,
    /// Its number, from 1.
    pub version: i32,
    /// What the agent was.
    pub draft: AgentDraft,
    /// Who saved it; `None`: the platform, or an account that is gone.
    pub author: Option<UserId>,
    /// The name to show for the author.
    pub author_name: Option<String>,
    /// The author's word about it.
    pub note: Option<String>,
    /// When it was saved.
    pub created_at: OffsetDateTime,
}

/// One line of the list of versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionSummary {
    /// Its number, from 1.
    pub version: i32,
    /// The name to show for who saved it; `None`: the platform, or an account that is gone.
    pub author_name: Option<String>,
    /// The author's word about it.
    pub note: Option<String>,
    /// When it was saved.
    pub created_at: OffsetDateTime,
}

/// A version. The caller has checked that its agent may be seen.
pub(crate) async fn read(
    connection: &mut PgConnection,
    agent: AgentId,
    version: i32,
) -> Result<AgentVersion, EditError> {
    let row = sqlx::query!(
        r#"SELECT v.content AS "content!", v.author_id AS "author_id?",
                  u.display_name AS "author_name?", v.note AS "note?",
                  v.created_at AS "created_at!"
           FROM agent_versions v LEFT JOIN users u ON u.id = v.author_id
           WHERE v.agent_id = $1 AND v.version = $2"#,
        agent.0,
        version,
    )
    .fetch_optional(connection)
    .await?
    .ok_or(EditError::NotFound)?;
    Ok(AgentVersion {
        agent,
        version,
        draft: serde_json::from_value(row.content).map_err(unreadable)?,
        author: row.author_id.map(UserId),
        author_name: row.author_name,
        note: row.note,
        created_at: row.created_at,
    })
}

/// # Errors
/// [`EditError::NotFound`] where this person may not edit the agent.
pub(crate) async fn must_be_editable(
    connection: &mut PgConnection,
    viewer: &Viewer,
    agent: AgentId,
) -> Result<(), EditError> {
    let found = sqlx::query_scalar!(
        "SELECT id FROM agents a
         WHERE id = $1 AND deleted_at IS NULL AND agent_editable_by(a, $2, $3, $4, $5)",
        agent.0,
        viewer.user.0,
        &viewer.groups,
        viewer.manages,
        viewer.administers,
    )
    .fetch_optional(connection)
    .await?;
    found.map(|_| ()).ok_or(EditError::NotFound)
}

impl AgentService {
    /// The versions of an agent, the newest first; at most the newest 1,000.
    ///
    /// # Errors
    /// [`EditError::NotFound`] also where this person may not edit it.
    pub async fn versions(
        &self,
        viewer: &Viewer,
        agent: AgentId,
    ) -> Result<Vec<VersionSummary>, EditError> {
        let mut connection = self.pool.acquire().await?;
        must_be_editable(&mut connection, viewer, agent).await?;
        Ok(sqlx::query_as!(
            VersionSummary,
            r#"SELECT v.version AS "version!", u.display_name AS "author_name?",
                      v.note AS "note?", v.created_at AS "created_at!"
               FROM agent_versions v LEFT JOIN users u ON u.id = v.author_id
               WHERE v.agent_id = $1
               ORDER BY v.version DESC
               LIMIT $2"#,
            agent.0,
            LIST,
        )
        .fetch_all(&mut *connection)
        .await?)
    }

    /// One version of an agent.
    ///
    /// # Errors
    /// [`EditError::NotFound`] also where this person may not edit it.
    pub async fn version(
        &self,
        viewer: &Viewer,
        agent: AgentId,
        version: i32,
    ) -> Result<AgentVersion, EditError> {
        let mut connection = self.pool.acquire().await?;
        must_be_editable(&mut connection, viewer, agent).await?;
        read(&mut connection, agent, version).await
    }

    /// What changed from version `a` to version `b`, in the order of the form.
    ///
    /// # Errors
    /// [`EditError::NotFound`] also where this person may not edit it.
    pub async fn compare(
        &self,
        viewer: &Viewer,
        agent: AgentId,
        a: i32,
        b: i32,
    ) -> Result<Vec<FieldChange>, EditError> {
        let mut connection = self.pool.acquire().await?;
        must_be_editable(&mut connection, viewer, agent).await?;
        let before = read(&mut connection, agent, a).await?;
        let after = read(&mut connection, agent, b).await?;
        Ok(compare(&before.draft, &after.draft).map_err(unreadable)?)
    }

    /// Makes a new version with the content of an old one, as [`AgentService::update`] would
    /// with a word that says so.
    ///
    /// # Errors
    /// As [`AgentService::update`]; the old slug may be another agent's by now.
    pub async fn restore_version(
        &self,
        editor: &Editor,
        agent: AgentId,
        based_on: i32,
        version: i32,
    ) -> Result<Saved, EditError> {
        let mut transaction = self.pool.begin().await?;
        let current = lock(&mut transaction, &editor.viewer, agent).await?;
        let old = read(&mut transaction, agent, version).await?.draft;
        let word = format!("Version {version} again");
        let saved = save(
            &mut transaction,
            editor,
            &current,
            based_on,
            old,
            Some(&word),
        )
        .await?;
        transaction.commit().await?;
        Ok(saved)
    }
}
