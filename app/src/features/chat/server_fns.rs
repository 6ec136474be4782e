//! What the chat page asks of the server. Each works as a plain form too: then the
//! answer is a redirect to where the person should be.

// The macro makes a struct of each function's arguments; the docs stand at the function.
#![allow(missing_docs)]

use leptos::prelude::*;
use onelastai_types::{ConversationId, Feedback, GenerationId};
use serde::{Deserialize, Serialize};

use crate::error::AppError;
#[cfg(feature = "ssr")]
use crate::session::with_status;

/// A message is on its way to a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// Where it was sent; new when none was named.
    pub conversation: ConversationId,
    /// What the conversation is called by now, plain text.
    pub title: String,
    /// Whose events bring the answer.
    pub generation: GenerationId,
    /// The person's message, where it is new, and the empty answer: safe HTML to put at the
    /// end of the thread.
    pub messages: String,
    /// Makes the next send from this page its own.
    pub next_key: String,
}

/// Sends `text`, in a new conversation with `agent` where no `conversation` is given.
///
/// `key` makes a repeated send (double click, resend after a lost connection) the same
/// send. Fields of a plain form that don't apply must be left out, not empty.
#[server(prefix = "/api/fn", endpoint = "send_message")]
pub async fn send_message(
    conversation: Option<ConversationId>,
    agent: Option<String>,
    text: String,
    key: String,
) -> Result<Sent, AppError> {
    with_status(super::handlers::send(conversation, agent, text, key).await)
}

/// Asks a model once more for an answer that was stopped or failed. Again is the same try.
#[server(prefix = "/api/fn", endpoint = "answer_again")]
pub async fn answer_again(generation: GenerationId) -> Result<Sent, AppError> {
    with_status(super::handlers::answer_again(generation).await)
}

/// Stops an answer; what there is of it is kept.
#[server(prefix = "/api/fn", endpoint = "stop_answer")]
pub async fn stop_answer(generation: GenerationId) -> Result<(), AppError> {
    with_status(super::handlers::stop(generation).await)
}

/// Notes what the person thinks of an answer, for those who make its agent better.
#[server(prefix = "/api/fn", endpoint = "judge_answer")]
pub async fn judge_answer(generation: GenerationId, feedback: Feedback) -> Result<(), AppError> {
    with_status(super::handlers::judge(generation, feedback).await)
}

/// Gives a conversation another title.
#[server(prefix = "/api/fn", endpoint = "rename_conversation")]
pub async fn rename_conversation(
    conversation: ConversationId,
    title: String,
) -> Result<(), AppError> {
    with_status(super::handlers::rename(conversation, title).await)
}

/// Deletes a conversation; [`restore_conversation`] brings it back for 30 days.
#[server(prefix = "/api/fn", endpoint = "delete_conversation")]
pub async fn delete_conversation(conversation: ConversationId) -> Result<(), AppError> {
    with_status(super::handlers::delete(conversation).await)
}

/// Brings a deleted conversation back.
#[server(prefix = "/api/fn", endpoint = "restore_conversation")]
pub async fn restore_conversation(conversation: ConversationId) -> Result<(), AppError> {
    with_status(super::handlers::restore(conversation).await)
}
