//! What is asked of a model and what comes back, whatever the engine.

use serde::{Deserialize, Serialize};
use url::Url;

use crate::config::ModelName;

/// Who says a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The agent's instructions.
    System,
    /// The person.
    User,
    /// The model, earlier.
    Assistant,
}

/// One message of the conversation so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatMessage {
    /// Who says it.
    pub role: Role,
    /// What is said.
    pub content: String,
}

impl ChatMessage {
    /// A message of `role`.
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self {
            role,
            content: content.into(),
        }
    }
}

/// How the answer is to be made; what is left out is the engine's own default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Parameters {
    /// Randomness, from 0.
    pub temperature: Option<f32>,
    /// Only the likeliest tokens that together have this probability, 0 to 1.
    pub top_p: Option<f32>,
    /// The same seed gives the same answer, as far as the engine can.
    pub seed: Option<i64>,
    /// The longest answer, in tokens.
    pub max_tokens: Option<u32>,
    /// Texts that end the answer.
    pub stop: Vec<String>,
    /// The context to set up, in tokens, at most the model's own. Another value than the one it
    /// is loaded with makes Ollama load the model anew, which takes seconds.
    pub num_ctx: Option<u32>,
}

/// One question to the router.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChatRequest {
    /// Model identifiers in the order of preference; unknown ones are passed over. Empty means
    /// the router's own order.
    pub preferences: Vec<String>,
    /// The conversation, oldest first.
    pub messages: Vec<ChatMessage>,
    /// How to answer.
    pub parameters: Parameters,
}

/// Which model and instance answer, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Chosen {
    /// Our identifier of the model.
    pub model_id: String,
    /// Its name at the engine.
    pub engine_model: ModelName,
    /// The instance's address, without credentials.
    pub instance: Url,
    /// The reason, in words for people.
    pub reason: String,
}

/// One piece of an answer. No text in it is empty or holds a NUL, which no text column takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChatEvent {
    /// The model thinks aloud, before or between its text.
    Thinking(String),
    /// A piece of the answer itself.
    Text(String),
    /// The answer is complete. Always the last.
    Done(ChatUsage),
}

/// What an answer took, as the engine counts it. What it leaves out is 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChatUsage {
    /// Tokens read.
    pub prompt_tokens: u32,
    /// Tokens written, thinking included.
    pub completion_tokens: u32,
    /// Loading the model, in milliseconds; near 0 when it was loaded.
    pub load_ms: u64,
    /// Reading the prompt, in milliseconds.
    pub prompt_eval_ms: u64,
    /// Writing the answer, in milliseconds.
    pub eval_ms: u64,
    /// Why the answer ended.
    pub finish_reason: FinishReason,
}

/// Why a complete answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// The model had said it all, or wrote a stop text.
    Stop,
    /// It reached the longest allowed answer or the end of its context.
    Length,
    /// Something else, or nothing was said about it.
    Other,
}

impl FinishReason {
    /// The name to store and to show to clients.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::Other => "other",
        }
    }
}
