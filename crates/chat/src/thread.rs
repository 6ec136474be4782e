//! One conversation as it is read: the branch that is shown, oldest message first.

use onelastai_agents::Agent;
use onelastai_types::{
    AgentId, AnswerStatus, ConversationId, Feedback, GenerationId, Making, MessageId, UserId,
};
use time::OffsetDateTime;

use crate::{ChatError, ChatService, feedback};

/// Who wrote a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Author {
    /// The person.
    Person,
    /// The agent.
    Agent,
}

/// What there is to know about an answer besides its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its making.
    pub generation: GenerationId,
    /// Where it stands.
    pub status: AnswerStatus,
    /// Which version of the agent it is from; `None` where it is older than versions.
    pub agent_version: Option<i32>,
    /// Our name of the model.
    pub model: Option<String>,
    /// Why that one.
    pub reason: Option<String>,
    /// Stable name of what went wrong.
    pub error: Option<String>,
    /// Tokens read.
    pub prompt_tokens: i32,
    /// Tokens written.
    pub completion_tokens: i32,
    /// From the send to the first token, in milliseconds.
    pub first_token_ms: Option<i32>,
    /// From the send to the end, in milliseconds.
    pub total_ms: Option<i32>,
    /// How it came about.
    pub making: Making,
    /// What the person who asked thinks of it.
    pub feedback: Feedback,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// Who wrote it.
    pub author: Author,
    /// Markdown; of an answer that is being written, the last checkpoint.
    pub content: String,
    /// When it was sent.
    pub created_at: OffsetDateTime,
    /// Of an agent's message that was made here.
    pub answer: Option<Answer>,
}

/// One conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Conversation {
    /// Its id.
    pub id: ConversationId,
    /// Its title.
    pub title: String,
    /// Who answers.
    pub agent: Agent,
    /// The branch that is shown, oldest first.
    pub messages: Vec<Message>,
}

struct Row {
    id: MessageId,
    role: String,
    content: String,
    status: String,
    model: Option<String>,
    prompt_tokens: Option<i32>,
    completion_tokens: Option<i32>,
    created_at: OffsetDateTime,
    generation: Option<uuid::Uuid>,
    agent_version: Option<i32>,
    reason: Option<String>,
    error_code: Option<String>,
    first_token_ms: Option<i32>,
    total_ms: Option<i32>,
    instance: Option<String>,
    waiting_ms: Option<i32>,
    retries: Option<i16>,
    fallback: Option<bool>,
    cost_micros: Option<i64>,
    cost_currency: Option<String>,
    cut_off: Option<bool>,
    feedback: Option<i16>,
}

impl From<Row> for Message {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            author: if row.role == "user" {
                Author::Person
            } else {
                Author::Agent
            },
            content: row.content,
            created_at: row.created_at,
            answer: row.generation.map(|generation| Answer {
                generation: generation.into(),
                // The column's check lets no other name in.
                status: row.status.parse().unwrap_or(AnswerStatus::Interrupted),
                agent_version: row.agent_version,
                model: row.model,
                reason: row.reason,
                error: row.error_code,
                prompt_tokens: row.prompt_tokens.unwrap_or(0),
                completion_tokens: row.completion_tokens.unwrap_or(0),
                first_token_ms: row.first_token_ms,
                total_ms: row.total_ms,
                making: Making {
                    instance: row.instance,
                    waiting_ms: row.waiting_ms,
                    retries: row.retries.unwrap_or(0),
                    fallback: row.fallback.unwrap_or(false),
                    cost: row
                        .cost_micros
                        .zip(row.cost_currency.and_then(|it| it.parse().ok())),
                    cut_off: row.cut_off.unwrap_or(false),
                },
                feedback: feedback::read(row.feedback),
            }),
        }
    }
}

impl ChatService {
    /// One conversation of this person.
    ///
    /// # Errors
    /// [`ChatError::NotFound`] also where it is somebody else's.
    pub async fn conversation(
        &self,
        user: UserId,
        id: ConversationId,
    ) -> Result<Conversation, ChatError> {
        let head = sqlx::query!(
            "SELECT title, agent_id, current_message_id FROM conversations
             WHERE id = $1 AND user_id = $2 AND deleted_at IS NULL",
            id.0,
            user.0,
        )
        .fetch_optional(&self.0.pool)
        .await?
        .ok_or(ChatError::NotFound)?;
        let agent = self.0.agents.by_id(AgentId(head.agent_id)).await?;
        let messages = self
            .branch(id, head.current_message_id.map(MessageId))
            .await?;
        Ok(Conversation {
            id,
            title: head.title,
            agent,
            messages,
        })
    }

    /// An answer with its text.
    ///
    /// # Errors
    /// [`ChatError::NotFound`] also where it is somebody else's.
    pub async fn answer(
        &self,
        user: UserId,
        generation: GenerationId,
    ) -> Result<Message, ChatError> {
        sqlx::query_as!(
            Row,
            r#"SELECT m.id, m.role, m.content, m.status, m.model, m.prompt_tokens,
                      m.completion_tokens, m.created_at, g.id AS "generation?",
                      g.agent_version, g.reason, g.error_code, g.first_token_ms, g.total_ms,
                      g.instance, i.waiting_ms AS "waiting_ms?", i.retries AS "retries?",
                      i.fallback AS "fallback?", i.cost_micros AS "cost_micros?",
                      i.cost_currency AS "cost_currency?", i.cut_off AS "cut_off?",
                      i.feedback AS "feedback?"
               FROM generations g JOIN messages m ON m.id = g.message_id
               LEFT JOIN agent_interactions i ON i.generation_id = g.id
               WHERE g.id = $1 AND g.user_id = $2"#,
            generation.0,
            user.0,
        )
        .fetch_optional(&self.0.pool)
        .await?
        .map(Message::from)
        .ok_or(ChatError::NotFound)
    }

    /// The messages from the root to `end`. The caller has checked whose they are.
    pub(crate) async fn branch(
        &self,
        conversation: ConversationId,
        end: Option<MessageId>,
    ) -> Result<Vec<Message>, ChatError> {
        let rows = sqlx::query_as!(
            Row,
            r#"WITH RECURSIVE branch AS (
                   SELECT id, parent_id FROM messages
                   WHERE conversation_id = $1 AND id = $2
                   UNION ALL
                   SELECT m.id, m.parent_id
                   FROM branch b
                   JOIN messages m ON m.conversation_id = $1 AND m.id = b.parent_id
               )
               SELECT m.id, m.role, m.content, m.status, m.model, m.prompt_tokens,
                      m.completion_tokens, m.created_at, g.id AS "generation?",
                      g.agent_version AS "agent_version?", g.reason AS "reason?",
                      g.error_code AS "error_code?", g.first_token_ms AS "first_token_ms?",
                      g.total_ms AS "total_ms?", g.instance AS "instance?",
                      i.waiting_ms AS "waiting_ms?", i.retries AS "retries?",
                      i.fallback AS "fallback?", i.cost_micros AS "cost_micros?",
                      i.cost_currency AS "cost_currency?", i.cut_off AS "cut_off?",
                      i.feedback AS "feedback?"
               FROM branch b
               JOIN messages m ON m.id = b.id
               LEFT JOIN generations g ON g.message_id = m.id
               LEFT JOIN agent_interactions i ON i.generation_id = g.id
               WHERE m.role IN ('user', 'assistant')
               ORDER BY m.id"#,
            conversation.0,
            end.map(|id| id.0),
        )
        .fetch_all(&self.0.pool)
        .await?;
        Ok(rows.into_iter().map(Message::from).collect())
    }
}
