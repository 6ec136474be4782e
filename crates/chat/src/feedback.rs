//! What people think of the answers they got.

use onelastai_types::{ConversationId, Feedback, GenerationId, UserId};

use crate::{ChatError, ChatService};

impl ChatService {
    /// Notes what the person who asked thinks of an answer, in place of what they thought
    /// before. Tells in which conversation it is.
    ///
    /// # Errors
    /// [`ChatError::NotFound`] also where it is somebody else's, or still being written.
    pub async fn judge(
        &self,
        user: UserId,
        generation: GenerationId,
        feedback: Feedback,
    ) -> Result<ConversationId, ChatError> {
        let conversation = sqlx::query_scalar!(
            "UPDATE agent_interactions i SET feedback = $3
             FROM generations g JOIN conversations c ON c.id = g.conversation_id
             WHERE i.generation_id = g.id AND g.id = $1
               AND c.user_id = $2 AND c.deleted_at IS NULL
             RETURNING c.id",
            generation.0,
            user.0,
            column(feedback),
        )
        .fetch_optional(&self.0.pool)
        .await?
        .ok_or(ChatError::NotFound)?;
        Ok(conversation.into())
    }
}

/// As the database has it.
fn column(feedback: Feedback) -> Option<i16> {
    match feedback {
        Feedback::Good => Some(1),
        Feedback::Bad => Some(-1),
        Feedback::None => None,
    }
}

/// What the database has.
pub(crate) fn read(column: Option<i16>) -> Feedback {
    match column {
        Some(1) => Feedback::Good,
        Some(_) => Feedback::Bad,
        None => Feedback::None,
    }
}
