//! The question that an answer hangs on: written down anew, or found again.

use onelastai_agents::Agent;
use onelastai_db::new_id;
use onelastai_types::{AnswerStatus, ConversationId, GenerationId, MessageId};
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{Caller, ChatError, Send, allowance::named_by, title};

/// What an answer hangs on.
pub(crate) struct Question {
    pub conversation: ConversationId,
    pub id: MessageId,
    /// The first of its conversation.
    pub first: bool,
}

/// The key of a send. A page that the browser brings back (Back, without our script) has
/// its old key in it: with another text, or to somebody else, that is another send.
pub(crate) fn send_key(send: &Send) -> String {
    let target = match (send.conversation, &send.agent) {
        (Some(conversation), _) => conversation.to_string(),
        (None, agent) => agent.clone().unwrap_or_default(),
    };
    let mut content = Sha256::new();
    for part in [&send.key, &target, &send.text] {
        // No text has a NUL, so it parts them.
        content = content.chain_update(part).chain_update([0_u8]);
    }
    format!("send:{}", named_by(content))
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
    if is_known(connection, caller, &send_key(send)).await? {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_send_is_the_same_only_with_the_same_text_to_the_same() {
        let send = Send {
            conversation: None,
            agent: Some("companion".to_owned()),
            text: "Hello?".to_owned(),
            key: "12345678".to_owned(),
        };
        let same = send.clone();
        assert_eq!(send_key(&send), send_key(&same));
        let other_text = Send {
            text: "Hello!".to_owned(),
            ..send.clone()
        };
        let other_agent = Send {
            agent: Some("guide".to_owned()),
            ..send.clone()
        };
        let other_place = Send {
            conversation: Some(new_id()),
            ..send.clone()
        };
        let other_key = Send {
            key: "87654321".to_owned(),
            ..send.clone()
        };
        for other in [other_text, other_agent, other_place, other_key] {
            assert_ne!(send_key(&send), send_key(&other), "{other:?}");
        }
    }
}
