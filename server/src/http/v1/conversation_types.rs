//! Conversations and messages as the API shows them.

use onelastai_chat::{self as chat, Author, ConversationSummary};
use onelastai_types::ConversationId;
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

/// A conversation.
#[derive(Serialize, ToSchema)]
pub(super) struct Conversation {
    /// Its id.
    id: Uuid,
    /// Always `conversation`.
    object: &'static str,
    /// Its title.
    title: String,
    /// The slug of the agent that answers.
    agent: String,
    /// When somebody last said something, in seconds since 1970.
    last_message_at: Option<i64>,
    /// What was said, oldest first; left out in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    messages: Option<Vec<Message>>,
}

/// One thing that was said.
#[derive(Serialize, ToSchema)]
pub(super) struct Message {
    /// Its id.
    id: Uuid,
    /// Always `message`.
    object: &'static str,
    /// `user` or `assistant`.
    role: &'static str,
    /// Markdown.
    content: String,
    /// When, in seconds since 1970.
    created_at: i64,
    /// Of an answer: `complete`, `stopped`, `failed`, `interrupted`, or `generating`.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    /// Of an answer: our name of the model that wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    /// Of an answer that failed: the stable name of what went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// Of an answer: tokens read.
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_tokens: Option<i32>,
    /// Of an answer: tokens written.
    #[serde(skip_serializing_if = "Option::is_none")]
    completion_tokens: Option<i32>,
}

/// A page of conversations.
#[derive(Serialize, ToSchema)]
pub(super) struct ConversationList {
    /// Always `list`.
    object: &'static str,
    /// The one with the newest message first.
    data: Vec<Conversation>,
    /// What to send as `after` for the next page.
    last_id: Option<Uuid>,
    /// Whether there is a next page.
    has_more: bool,
}

/// Something that is gone.
#[derive(Serialize, ToSchema)]
pub(super) struct Deleted {
    /// What it was.
    id: Uuid,
    /// Always `conversation.deleted`.
    object: &'static str,
    /// Always true.
    deleted: bool,
}

impl Deleted {
    pub(super) fn of(id: ConversationId) -> Self {
        Self {
            id: id.0,
            object: "conversation.deleted",
            deleted: true,
        }
    }
}

impl ConversationList {
    /// The first `limit` of `found`; one more says that there are more.
    pub(super) fn new(mut found: Vec<ConversationSummary>, limit: i64) -> Self {
        let limit = usize::try_from(limit).unwrap_or(0);
        let has_more = found.len() > limit;
        found.truncate(limit);
        Self {
            object: "list",
            last_id: found.last().map(|last| last.id.0),
            data: found.into_iter().map(Into::into).collect(),
            has_more,
        }
    }
}

impl From<ConversationSummary> for Conversation {
    fn from(summary: ConversationSummary) -> Self {
        Self {
            id: summary.id.0,
            object: "conversation",
            title: summary.title,
            agent: summary.agent_slug,
            last_message_at: Some(summary.last_message_at.unix_timestamp()),
            messages: None,
        }
    }
}

impl From<chat::Conversation> for Conversation {
    fn from(conversation: chat::Conversation) -> Self {
        let last = conversation.messages.last();
        Self {
            id: conversation.id.0,
            object: "conversation",
            title: conversation.title,
            agent: conversation.agent.slug,
            last_message_at: last.map(|message| seconds(message.created_at)),
            messages: Some(conversation.messages.into_iter().map(Into::into).collect()),
        }
    }
}

impl From<chat::Message> for Message {
    fn from(message: chat::Message) -> Self {
        let answer = message.answer;
        Self {
            id: message.id.0,
            object: "message",
            role: match message.author {
                Author::Person => "user",
                Author::Agent => "assistant",
            },
            content: message.content,
            created_at: seconds(message.created_at),
            status: answer.as_ref().map(|answer| answer.status.as_str()),
            prompt_tokens: answer.as_ref().map(|answer| answer.prompt_tokens),
            completion_tokens: answer.as_ref().map(|answer| answer.completion_tokens),
            error: answer.as_ref().and_then(|answer| answer.error.clone()),
            model: answer.and_then(|answer| answer.model),
        }
    }
}

fn seconds(time: OffsetDateTime) -> i64 {
    time.unix_timestamp()
}
