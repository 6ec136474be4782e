//! Taking agents out of the lists and bringing them back.

use onelastai_types::AgentId;
use serde_json::{Map, Value};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    AgentService, EditError, Editor,
    save::{audit, lock, room},
};

/// For how many days a deleted agent can be brought back.
pub const RESTORE_DAYS: i32 = 30;

/// `{field: [before, after]}` of a time.
fn moved(
    field: &str,
    before: Option<OffsetDateTime>,
    after: Option<OffsetDateTime>,
) -> Map<String, Value> {
    let text = |time: Option<OffsetDateTime>| {
        time.and_then(|time| time.format(&Rfc3339).ok())
            .map_or(Value::Null, Value::String)
    };
    Map::from_iter([(
        field.to_owned(),
        Value::Array(vec![text(before), text(after)]),
    )])
}

impl AgentService {
    /// Takes an agent out of the lists: nobody begins a conversation with it, those that
    /// there are go on. Archiving an archived one changes nothing.
    ///
    /// # Errors
    /// [`EditError::NotFound`] also where this person may not edit it.
    pub async fn archive(&self, editor: &Editor, agent: AgentId) -> Result<(), EditError> {
        self.set_archived(editor, agent, true).await
    }

    /// Brings an archived agent back into the lists.
    ///
    /// # Errors
    /// [`EditError::NotFound`] also where this person may not edit it.
    pub async fn unarchive(&self, editor: &Editor, agent: AgentId) -> Result<(), EditError> {
        self.set_archived(editor, agent, false).await
    }

    async fn set_archived(
        &self,
        editor: &Editor,
        agent: AgentId,
        archived: bool,
    ) -> Result<(), EditError> {
        let mut transaction = self.pool.begin().await?;
        let current = lock(&mut transaction, &editor.viewer, agent).await?;
        if current.archived_at.is_some() == archived {
            return Ok(());
        }
        let now = sqlx::query_scalar!(
            "UPDATE agents SET archived_at = CASE WHEN $2 THEN now() END
             WHERE id = $1 RETURNING archived_at",
            agent.0,
            archived,
        )
        .fetch_one(&mut *transaction)
        .await?;
        let action = if archived {
            "agent.archive"
        } else {
            "agent.unarchive"
        };
        let changes = moved("archived_at", current.archived_at, now);
        audit(&mut transaction, editor, action, agent, changes).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Deletes an agent: it can't be used, seen or edited any more. It can be brought back
    /// for [`RESTORE_DAYS`] days, and its slug stays its own, so that nobody else takes over
    /// an address that people know.
    ///
    /// # Errors
    /// [`EditError::NotFound`] also where this person may not edit it, or it is deleted.
    pub async fn delete(&self, editor: &Editor, agent: AgentId) -> Result<(), EditError> {
        let mut transaction = self.pool.begin().await?;
        lock(&mut transaction, &editor.viewer, agent).await?;
        let now = sqlx::query_scalar!(
            "UPDATE agents SET deleted_at = now() WHERE id = $1 RETURNING deleted_at",
            agent.0,
        )
        .fetch_one(&mut *transaction)
        .await?;
        let changes = moved("deleted_at", None, now);
        audit(&mut transaction, editor, "agent.delete", agent, changes).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Brings a deleted agent back as it was.
    ///
    /// # Errors
    /// [`EditError::NotFound`] also where this person may not edit it, it is not deleted, or
    /// it was deleted more than [`RESTORE_DAYS`] days ago; [`EditError::Full`] where its owner's
    /// plan has no room for it any more.
    pub async fn restore(&self, editor: &Editor, agent: AgentId) -> Result<(), EditError> {
        let viewer = &editor.viewer;
        let mut transaction = self.pool.begin().await?;
        let deleted = sqlx::query!(
            "SELECT owner_id, deleted_at FROM agents a
             WHERE id = $1 AND deleted_at > now() - make_interval(days => $6)
               AND agent_editable_by(a, $2, $3, $4, $5)
             FOR UPDATE",
            agent.0,
            viewer.user.0,
            &viewer.groups,
            viewer.manages,
            viewer.administers,
            RESTORE_DAYS,
        )
        .fetch_optional(&mut *transaction)
        .await?
        .ok_or(EditError::NotFound)?;
        if let Some(owner) = deleted.owner_id {
            room(&mut transaction, owner.into()).await?;
        }
        sqlx::query!("UPDATE agents SET deleted_at = NULL WHERE id = $1", agent.0)
            .execute(&mut *transaction)
            .await?;
        let changes = moved("deleted_at", deleted.deleted_at, None);
        audit(&mut transaction, editor, "agent.restore", agent, changes).await?;
        transaction.commit().await?;
        Ok(())
    }
}
