//! What comes back from a model, whatever the engine.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::{price::Price, spec::ModelName};

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
    /// How long the request waited for its turn.
    pub waited: Duration,
    /// How many instances failed at it before this one, those included where nobody was found.
    pub retries: u8,
    /// Whether this is a cloud's model, or another one than was wanted most.
    pub fallback: bool,
    /// Whether what was asked left for a cloud.
    pub cloud: bool,
    /// What it costs, where it costs something.
    pub price: Option<Price>,
    /// From the request at the instance to the first piece of the answer.
    pub first_token: Duration,
}

/// One piece of an answer. No text in it is empty or holds a NUL, which no text column takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChatEvent {
    /// The model thinks aloud, before or between its text.
    Thinking(String),
    /// A piece of the answer itself.
    Text(String),
    /// A piece of a call of a tool.
    ToolCall(ToolCallDelta),
    /// The answer is complete. Always the last.
    Done(ChatUsage),
}

/// A piece of a call of a tool. The pieces of one call have the same index; the first has the id
/// and the name, and the arguments of all, put together, are JSON text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolCallDelta {
    /// Which of the answer's calls, from 0.
    pub index: u32,
    /// What the tool's answer refers to.
    pub id: Option<String>,
    /// The tool's name.
    pub name: Option<String>,
    /// The next piece of the arguments; may be empty.
    pub arguments: String,
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
    /// It called tools and waits for what comes of them.
    ToolCalls,
    /// A filter of the engine's took over.
    ContentFilter,
    /// Something else, or nothing was said about it.
    Other,
}

impl FinishReason {
    /// The name to store and to show to clients.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ToolCalls => "tool_calls",
            Self::ContentFilter => "content_filter",
            Self::Other => "other",
        }
    }
}
