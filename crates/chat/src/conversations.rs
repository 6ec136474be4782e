//! The list of conversations, and what its person does with one.

use onelastai_db::{AuditEntry, record};
use onelastai_types::{AgentId, ConversationId, UserId};
use serde_json::Map;
use time::OffsetDateTime;

use crate::{Caller, ChatError, ChatService, sweep::KEEP_DAYS};

/// The longest title, in characters.
const MAX_TITLE: usize = 200;

/// One line of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversationSummary {
    /// Its id.
    pub id: ConversationId,
    /// Its title.
    pub title: String,
    /// Who answers in it.
    pub agent_name: String,
    /// The agent's part of the address.
    pub agent_slug: String,
    /// When somebody last said something.
    pub last_message_at: OffsetDateTime,
}

impl ChatService {
    /// A page of a person's conversations, the one with the newest message first: at most
    /// `limit` of those that come after `after`, with one of `agents` where those are given.
    ///
    /// # Errors
    /// As any query.
    pub async fn conversations_after(
        &self,
        user: UserId,
        after: Option<ConversationId>,
        agents: Option<&[AgentId]>,
        limit: i64,
    ) -> Result<Vec<ConversationSummary>, ChatError> {
        let agents: Option<Vec<_>> = agents.map(|ids| ids.iter().map(|id| id.0).collect());
        Ok(sqlx::query_as!(
            ConversationSummary,
            "SELECT c.id, c.title, a.name AS agent_name, a.slug AS agent_slug, c.last_message_at
             FROM conversations c JOIN agents a ON a.id = c.agent_id
             WHERE c.user_id = $1 AND c.deleted_at IS NULL
               AND ($2::uuid IS NULL OR (c.last_message_at, c.id) <
                   (SELECT p.last_message_at, p.id FROM conversations p
                    WHERE p.id = $2 AND p.user_id = $1))
               AND ($3::uuid[] IS NULL OR c.agent_id = ANY ($3))
             ORDER BY c.last_message_at DESC, c.id DESC
             LIMIT $4",
            user.0,
            after.map(|id| id.0),
            agents.as_deref(),
            limit,
        )
        .fetch_all(&self.0.pool)
        .await?)
    }

    /// Gives a conversation a title that no model replaces.
    ///
    /// # Errors
    /// [`ChatError::Invalid`] for an empty or too long one.
    pub async fn rename(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        title: &str,
    ) -> Result<(), ChatError> {
        let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
        if title.is_empty() {
            return Err(ChatError::Invalid {
                field: "title",
                message: "Give it a name.",
            });
        }
        if title.chars().count() > MAX_TITLE {
            return Err(ChatError::Invalid {
                field: "title",
                message: "That name is too long: at most 200 characters.",
            });
        }
        let renamed = sqlx::query!(
            "UPDATE conversations SET title = $3, title_source = 'person'
             WHERE id = $1 AND user_id = $2 AND deleted_at IS NULL",
            conversation.0,
            caller.user.0,
            title.replace('\0', ""),
        )
        .execute(&self.0.pool)
        .await?;
        if renamed.rows_affected() == 0 {
            Err(ChatError::NotFound)
        } else {
            Ok(())
        }
    }

    /// Takes a conversation away; its answer, if one is being written, is stopped.
    ///
    /// # Errors
    /// [`ChatError::NotFound`] also where it is somebody else's.
    pub async fn delete(
        &self,
        caller: &Caller,
        conversation: ConversationId,
    ) -> Result<(), ChatError> {
        let mut transaction = self.0.pool.begin().await?;
        let deleted = sqlx::query!(
            "UPDATE conversations SET deleted_at = now()
             WHERE id = $1 AND user_id = $2 AND deleted_at IS NULL",
            conversation.0,
            caller.user.0,
        )
        .execute(&mut *transaction)
        .await?;
        if deleted.rows_affected() == 0 {
            return Err(ChatError::NotFound);
        }
        let running = sqlx::query_scalar!(
            "UPDATE generations SET stop_requested_at = coalesce(stop_requested_at, now())
             WHERE conversation_id = $1 AND status = 'generating' RETURNING id",
            conversation.0,
        )
        .fetch_optional(&mut *transaction)
        .await?;
        record(
            &mut transaction,
            entry(caller, "conversation.delete", conversation),
        )
        .await?;
        transaction.commit().await?;
        if let Some(generation) = running {
            self.0.hub.stop(generation.into());
        }
        Ok(())
    }

    /// Brings a deleted conversation back, for 30 days.
    ///
    /// # Errors
    /// [`ChatError::NotFound`] also where it is somebody else's.
    pub async fn restore(
        &self,
        caller: &Caller,
        conversation: ConversationId,
    ) -> Result<(), ChatError> {
        let mut transaction = self.0.pool.begin().await?;
        let restored = sqlx::query!(
            "UPDATE conversations SET deleted_at = NULL
             WHERE id = $1 AND user_id = $2 AND deleted_at > now() - make_interval(days => $3)",
            conversation.0,
            caller.user.0,
            KEEP_DAYS,
        )
        .execute(&mut *transaction)
        .await?;
        if restored.rows_affected() == 0 {
            return Err(ChatError::NotFound);
        }
        record(
            &mut transaction,
            entry(caller, "conversation.restore", conversation),
        )
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// The title of a conversation that was deleted and can be brought back.
    ///
    /// # Errors
    /// As any query.
    pub async fn deleted_title(
        &self,
        user: UserId,
        conversation: ConversationId,
    ) -> Result<Option<String>, ChatError> {
        Ok(sqlx::query_scalar!(
            "SELECT title FROM conversations
             WHERE id = $1 AND user_id = $2 AND deleted_at > now() - make_interval(days => $3)",
            conversation.0,
            user.0,
            KEEP_DAYS,
        )
        .fetch_optional(&self.0.pool)
        .await?)
    }
}

fn entry<'a>(
    caller: &'a Caller,
    action: &'static str,
    conversation: ConversationId,
) -> AuditEntry<'a> {
    AuditEntry {
        actor: caller.actor(),
        origin: &caller.origin,
        action,
        target_type: "conversations",
        target_id: conversation.0,
        changes: Map::new(),
    }
}
