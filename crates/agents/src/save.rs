//! Making agents and changing them. Every save that changes something is a version.

use onelastai_db::{AuditEntry, Constraint, DbError, new_id, record};
use onelastai_types::{AgentId, UserId};
use serde_json::{Map, Value};
use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::{
    AgentDraft, AgentService, EditError, Editor, FieldError, Viewer,
    check::{check, note},
    draft::changes,
    error::unreadable,
    former::{give_up, is_reserved},
    slug::{TAKEN, is_askable},
};

/// An agent as those see it who may edit it.
#[derive(Debug, Clone, PartialEq)]
pub struct EditableAgent {
    /// Its id.
    pub id: AgentId,
    /// Whose it is; `None`: it came with the platform, or its owner's account is gone.
    pub owner: Option<UserId>,
    /// Which version this is: what a save is based on.
    pub version: i32,
    /// Everything that can be edited.
    pub draft: AgentDraft,
    /// Since when it is out of the lists.
    pub archived_at: Option<OffsetDateTime>,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When anything about it last changed.
    pub updated_at: OffsetDateTime,
}

/// What came of a save.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// The version that the agent has now.
    pub version: i32,
    /// False where the agent was as the save wanted it: then there is no new version.
    pub changed: bool,
    /// The slug that it has now.
    pub slug: String,
}

/// An agent that is about to change, locked until the transaction ends.
pub(crate) struct Locked {
    pub(crate) id: AgentId,
    pub(crate) version: i32,
    pub(crate) draft: AgentDraft,
    pub(crate) archived_at: Option<OffsetDateTime>,
}

/// Reads and locks an agent that this person may edit and that is not deleted.
pub(crate) async fn lock(
    connection: &mut PgConnection,
    viewer: &Viewer,
    agent: AgentId,
) -> Result<Locked, EditError> {
    let row = sqlx::query!(
        r#"SELECT current_version, agent_content(a) AS "content!", archived_at
           FROM agents a
           WHERE id = $1 AND deleted_at IS NULL AND agent_editable_by(a, $2, $3, $4, $5)
           FOR UPDATE"#,
        agent.0,
        viewer.user.0,
        &viewer.groups,
        viewer.manages,
        viewer.administers,
    )
    .fetch_optional(connection)
    .await?
    .ok_or(EditError::NotFound)?;
    Ok(Locked {
        id: agent,
        version: row.current_version,
        draft: serde_json::from_value(row.content).map_err(unreadable)?,
        archived_at: row.archived_at,
    })
}

/// Makes an agent of a checked draft; the database makes its first version. `None` where
/// its slug is taken, or kept for another agent: then nothing is made, and the transaction can
/// go on.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    owner: UserId,
    draft: &AgentDraft,
) -> Result<Option<AgentId>, EditError> {
    let parameters = draft
        .to_map()
        .map_err(unreadable)?
        .remove("parameters")
        .unwrap_or_default();
    let id = sqlx::query_scalar!(
        "INSERT INTO agents (id, owner_id, slug, name, avatar, description, system_prompt,
                             model_preferences, local_only, parameters, starters, visibility,
                             group_path, required_tier)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
         ON CONFLICT ON CONSTRAINT agents_slug_key DO NOTHING
         RETURNING id",
        new_id::<AgentId>().0,
        owner.0,
        draft.slug,
        draft.name,
        draft.avatar.to_string(),
        draft.description,
        draft.system_prompt,
        &draft.model_preferences,
        draft.local_only,
        parameters,
        &draft.starters,
        draft.visibility.as_str(),
        draft.group,
        draft.required_tier.as_str(),
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(id) = id.map(AgentId) else {
        return Ok(None);
    };
    if is_reserved(connection, &draft.slug, id, owner).await? {
        sqlx::query!("DELETE FROM agents WHERE id = $1", id.0)
            .execute(connection)
            .await?;
        return Ok(None);
    }
    Ok(Some(id))
}

/// Writes what somebody did to an agent into the audit log.
pub(crate) async fn audit(
    connection: &mut PgConnection,
    editor: &Editor,
    action: &'static str,
    agent: AgentId,
    changes: Map<String, Value>,
) -> Result<(), DbError> {
    let entry = AuditEntry {
        actor: editor.actor(),
        origin: &editor.origin,
        action,
        target_type: "agents",
        target_id: agent.0,
        changes,
    };
    record(connection, entry).await
}

pub(crate) fn taken() -> EditError {
    EditError::Invalid(vec![FieldError::new("slug", TAKEN)])
}

impl AgentService {
    /// An agent to edit, also an archived one.
    ///
    /// # Errors
    /// [`EditError::NotFound`] also where this person may not edit it.
    pub async fn editable(&self, viewer: &Viewer, slug: &str) -> Result<EditableAgent, EditError> {
        if !is_askable(slug) {
            return Err(EditError::NotFound);
        }
        let row = sqlx::query!(
            r#"SELECT id, owner_id, current_version, agent_content(a) AS "content!", archived_at,
                      created_at, updated_at
               FROM agents a
               WHERE slug = $1 AND deleted_at IS NULL AND agent_editable_by(a, $2, $3, $4, $5)"#,
            slug,
            viewer.user.0,
            &viewer.groups,
            viewer.manages,
            viewer.administers,
        )
        .fetch_optional(&self.pool)
        .await?
        .ok_or(EditError::NotFound)?;
        Ok(EditableAgent {
            id: row.id.into(),
            owner: row.owner_id.map(UserId),
            version: row.current_version,
            draft: serde_json::from_value(row.content).map_err(unreadable)?,
            archived_at: row.archived_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }

    /// Makes an agent, which belongs to who makes it.
    ///
    /// # Errors
    /// [`EditError::Invalid`] with every field that isn't right, also a taken slug, and
    /// [`EditError::NotFound`] for who may not make agents, [`EditError::Full`] for who has as
    /// many as their plan allows.
    pub async fn create(&self, editor: &Editor, draft: AgentDraft) -> Result<AgentId, EditError> {
        if !editor.viewer.may_create() {
            return Err(EditError::NotFound);
        }
        let draft = check(draft, None, &editor.viewer).map_err(EditError::Invalid)?;
        let mut transaction = self.pool.begin().await?;
        room(&mut transaction, editor.viewer.user).await?;
        let id = insert(&mut transaction, editor.viewer.user, &draft)
            .await?
            .ok_or_else(taken)?;
        let changed = changes(None, &draft).map_err(unreadable)?;
        audit(&mut transaction, editor, "agent.create", id, changed).await?;
        transaction.commit().await?;
        Ok(id)
    }

    /// Saves a draft that was made from version `based_on`, with a word about it that the
    /// list of versions shows (at most 200 characters). What changes nothing makes no
    /// version, also where another save was faster with the very same content.
    ///
    /// # Errors
    /// [`EditError::Conflict`] with the newer version where `based_on` isn't the current one
    /// any more, [`EditError::Invalid`] with every field that isn't right, and
    /// [`EditError::NotFound`] also where this person may not edit it.
    pub async fn update(
        &self,
        editor: &Editor,
        agent: AgentId,
        based_on: i32,
        draft: AgentDraft,
        word: Option<&str>,
    ) -> Result<Saved, EditError> {
        let mut transaction = self.pool.begin().await?;
        let current = lock(&mut transaction, &editor.viewer, agent).await?;
        let saved = save(&mut transaction, editor, &current, based_on, draft, word).await?;
        transaction.commit().await?;
        Ok(saved)
    }
}

/// Whether this person's plan has room for another agent of theirs. Whoever makes two at once
/// makes one after the other.
pub(crate) async fn room(connection: &mut PgConnection, owner: UserId) -> Result<(), EditError> {
    // Alone: a statement that waits for a lock goes on with what it saw before.
    sqlx::query!(
        "SELECT id FROM users WHERE id = $1 FOR NO KEY UPDATE",
        owner.0
    )
    .fetch_optional(&mut *connection)
    .await?;
    let row = sqlx::query!(
        r#"SELECT l.max_agents AS "most?",
               (SELECT count(*) FROM agents a
                WHERE a.owner_id = u.id AND a.deleted_at IS NULL) AS "there!"
           FROM users u LEFT JOIN tier_limits l ON l.tier = u.subscription_tier
           WHERE u.id = $1"#,
        owner.0,
    )
    .fetch_optional(connection)
    .await?
    .ok_or(EditError::NotFound)?;
    match row.most {
        Some(most) if row.there >= i64::from(most) => Err(EditError::Full(most)),
        _ => Ok(()),
    }
}

/// Makes a draft the current version of a locked agent.
pub(crate) async fn save(
    connection: &mut PgConnection,
    editor: &Editor,
    current: &Locked,
    based_on: i32,
    draft: AgentDraft,
    word: Option<&str>,
) -> Result<Saved, EditError> {
    let (draft, word) = match (
        check(draft, Some(&current.draft), &editor.viewer),
        note(word),
    ) {
        (Ok(draft), Ok(word)) => (draft, word),
        (draft, word) => {
            let errors = draft.err().into_iter().chain(word.err()).flatten();
            return Err(EditError::Invalid(errors.collect()));
        }
    };
    let changed = changes(Some(&current.draft), &draft).map_err(unreadable)?;
    if changed.is_empty() {
        return Ok(Saved {
            version: current.version,
            changed: false,
            slug: draft.slug,
        });
    }
    if based_on != current.version {
        let newer = crate::versions::read(connection, current.id, current.version).await?;
        return Err(EditError::Conflict(Box::new(newer)));
    }
    let parameters = draft
        .to_map()
        .map_err(unreadable)?
        .remove("parameters")
        .unwrap_or_default();
    let version: Result<_, EditError> = sqlx::query_scalar!(
        "UPDATE agents
         SET slug = $2, name = $3, avatar = $4, description = $5, system_prompt = $6,
             model_preferences = $7, local_only = $8, parameters = $9, starters = $10,
             visibility = $11, group_path = $12, required_tier = $13,
             current_version = current_version + 1
         WHERE id = $1
         RETURNING current_version",
        current.id.0,
        draft.slug,
        draft.name,
        draft.avatar.to_string(),
        draft.description,
        draft.system_prompt,
        &draft.model_preferences,
        draft.local_only,
        parameters,
        &draft.starters,
        draft.visibility.as_str(),
        draft.group,
        draft.required_tier.as_str(),
    )
    .fetch_one(&mut *connection)
    .await
    .on_constraint("agents_slug_key", taken);
    let version = version?;
    if draft.slug != current.draft.slug {
        let person = editor.viewer.user;
        if is_reserved(connection, &draft.slug, current.id, person).await? {
            return Err(taken());
        }
        give_up(connection, &current.draft.slug, current.id).await?;
    }
    sqlx::query!(
        "INSERT INTO agent_versions (agent_id, version, content, author_id, note)
         SELECT id, current_version, agent_content(a), $2, $3 FROM agents a WHERE id = $1",
        current.id.0,
        editor.viewer.user.0,
        word,
    )
    .execute(&mut *connection)
    .await?;
    audit(connection, editor, "agent.update", current.id, changed).await?;
    Ok(Saved {
        version,
        changed: true,
        slug: draft.slug,
    })
}
