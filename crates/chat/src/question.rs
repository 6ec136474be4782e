//! The question that an answer hangs on: written down anew, or found again.

use onelastai_agents::Agent;
use onelastai_db::new_id;
use onelastai_types::{AnswerStatus, ConversationId, GenerationId, MessageId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{Caller, ChatError, Send, title};

/// What an answer hangs on.
pub(crate) struct Question {
    pub conversation: ConversationId,
    pub id: MessageId,
    /// The first of its conversation.
    pub first: bool,
}

/// The key of the next try at an answer: there is one, however often it is asked for.
pub(crate) fn again_key(generation: GenerationId) -> String {
    format!("again:{generation}")
}

/// Whether `key` was used before. With the conversation locked, nobody else is about to.
async fn is_known(
    connection: &mut PgConnection,
    caller: &Caller,
    key: &str,
) -> Result<bool, ChatError> {
    let known = sqlx::query_scalar!(
        "SELECT id FROM generations WHERE user_id = $1 AND idempotency_key = $2",
        caller.user.0,
        key,
    )
    .fetch_optional(connection)
    .await?;
    Ok(known.is_some())
}

/// Writes down what the person says; `None` where this was done before.
pub(crate) async fn say(
    connection: &mut PgConnection,
    caller: &Caller,
    agent: &Agent,
    send: &Send,
) -> Result<Option<Question>, ChatError> {
    let (conversation, parent) = match send.conversation {
        Some(id) => {
            // Sends to one conversation wait for one another here.
            let parent = sqlx::query_scalar!(
                "SELECT current_message_id FROM conversations
                 WHERE id = $1 AND user_id = $2 AND deleted_at IS NULL
                 FOR UPDATE",
                id.0,
                caller.user.0,
            )
            .fetch_optional(&mut *connection)
            .await?
            .ok_or(ChatError::NotFound)?;
            (id, parent)
        }
        None => (begin(connection, caller, agent, &send.text).await?, None),
    };
    if is_known(connection, caller, &send.key).await? {
        return Ok(None);
    }
    let id: MessageId = new_id();
    sqlx::query!(
        "INSERT INTO messages (id, conversation_id, parent_id, role, content, status)
         VALUES ($1, $2, $3, 'user', $4, 'complete')",
        id.0,
        conversation.0,
        parent,
        send.text,
    )
    .execute(connection)
    .await?;
    Ok(Some(Question {
        conversation,
        id,
        first: send.conversation.is_none(),
    }))
}

/// Finds the question of an answer that ended without being whole; `None` where it was
/// asked again before.
pub(crate) async fn reopen(
    connection: &mut PgConnection,
    caller: &Caller,
    generation: GenerationId,
) -> Result<Option<Question>, ChatError> {
    let row = sqlx::query!(
        r#"SELECT c.id, g.status, q.id AS question, q.parent_id IS NULL AS "first!",
                  c.current_message_id IS NOT DISTINCT FROM g.message_id AS "last!"
           FROM generations g
           JOIN conversations c ON c.id = g.conversation_id
           JOIN messages a ON a.id = g.message_id
           JOIN messages q ON q.id = a.parent_id
           WHERE g.id = $1 AND c.user_id = $2 AND c.deleted_at IS NULL
           FOR UPDATE OF c"#,
        generation.0,
        caller.user.0,
    )
    .fetch_optional(&mut *connection)
    .await?
    .ok_or(ChatError::NotFound)?;
    if is_known(connection, caller, &again_key(generation)).await? {
        return Ok(None);
    }
    if row.status == AnswerStatus::Generating.as_str() {
        return Err(ChatError::Busy);
    }
    if !row.last {
        return Err(ChatError::Invalid {
            field: "generation",
            message: "The conversation has gone on since. Reload the page to see it.",
        });
    }
    Ok(Some(Question {
        conversation: row.id.into(),
        id: row.question.into(),
        first: row.first,
    }))
}

async fn begin(
    connection: &mut PgConnection,
    caller: &Caller,
    agent: &Agent,
    text: &str,
) -> Result<ConversationId, ChatError> {
    let id: ConversationId = new_id();
    sqlx::query!(
        "INSERT INTO conversations (id, user_id, agent_id, user_session_id, title)
         VALUES ($1, $2, $3, $4, $5)",
        id.0,
        caller.user.0,
        agent.id.0,
        caller.session.map(Uuid::from),
        title::from_question(text),
    )
    .execute(connection)
    .await?;
    Ok(id)
}
