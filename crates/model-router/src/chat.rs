//! What is asked of a model, whatever the engine.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::watch;

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
    /// A tool that the model called: what came of it.
    Tool,
}

/// One message of the conversation so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatMessage {
    /// Who says it.
    pub role: Role,
    /// What is said.
    pub content: String,
    /// Pictures that belong to it.
    pub images: Vec<Image>,
    /// The tools that the model called in it.
    pub tool_calls: Vec<ToolCall>,
    /// Of a [`Role::Tool`] message: the [`ToolCall::id`] that it answers.
    pub tool_call_id: Option<String>,
}

impl ChatMessage {
    /// A message of `role` that is only text.
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self {
            role,
            content: content.into(),
            images: Vec::new(),
            tool_calls: Vec::new(),
            tool_call_id: None,
        }
    }
}

/// A picture.
#[derive(Clone, PartialEq, Eq)]
pub struct Image {
    /// Its media type, such as `image/png`.
    pub media_type: String,
    /// The bytes of the file, decoded.
    pub data: Bytes,
}

impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Image({}, {} bytes)", self.media_type, self.data.len())
    }
}

/// A tool that the model called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolCall {
    /// What a [`Role::Tool`] message refers to.
    pub id: String,
    /// The [`Tool::name`].
    pub name: String,
    /// The arguments, as JSON text; as the model wrote them, so perhaps not valid.
    pub arguments: String,
}

/// A tool that the model may call.
#[derive(Clone, Debug, PartialEq)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// What it does, for the model.
    pub description: Option<String>,
    /// The JSON schema of its arguments; none where it takes none.
    pub parameters: Option<Value>,
    /// Whether the arguments must fit the schema, where the engine can see to that.
    pub strict: Option<bool>,
}

/// Whether the model calls tools.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ToolChoice {
    /// As it sees fit.
    #[default]
    Auto,
    /// Not at all.
    None,
    /// At least one. Ollama, which knows no such thing, is held to the form of one call.
    Required,
    /// This one; at Ollama as [`ToolChoice::Required`].
    Named(String),
}

impl ToolChoice {
    /// Whether `tool` is offered to a model that can be told no more than which tools there are.
    pub(crate) fn offers(&self, tool: &Tool) -> bool {
        match self {
            Self::Auto | Self::Required => true,
            Self::None => false,
            Self::Named(name) => tool.name == *name,
        }
    }
}

/// How much a model thinks before it answers, where it can.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effort {
    /// Not at all.
    None,
    /// Little.
    Low,
    /// Some.
    Medium,
    /// Much.
    High,
}

/// The form of the answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Format {
    /// Words.
    #[default]
    Text,
    /// Some JSON object.
    JsonObject,
    /// JSON that fits a schema.
    JsonSchema {
        /// The schema's name.
        name: String,
        /// The JSON schema.
        schema: Value,
        /// Whether it must fit exactly, where the engine can see to that.
        strict: bool,
    },
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
    /// Against words that were said at all, -2 to 2.
    pub presence_penalty: Option<f32>,
    /// Against words by how often they were said, -2 to 2.
    pub frequency_penalty: Option<f32>,
}

/// One question to the router.
#[derive(Clone, Debug, Default)]
pub struct ChatRequest {
    /// Model identifiers in the order of preference; unknown ones are passed over. Empty means
    /// the router's own order.
    pub preferences: Vec<String>,
    /// The conversation, oldest first.
    pub messages: Vec<ChatMessage>,
    /// How to answer.
    pub parameters: Parameters,
    /// What the model may call.
    pub tools: Vec<Tool>,
    /// Whether it calls them.
    pub tool_choice: ToolChoice,
    /// Whether it calls at most one at a time.
    pub single_call: bool,
    /// How much it thinks; the engine's own default where nothing is said. Models that don't
    /// think, and engines that can't be told in a way that all of them take, pass over it.
    pub effort: Option<Effort>,
    /// The form of the answer.
    pub format: Format,
    /// Whether an engine that can may leave out the oldest messages where they are more than its
    /// context holds. Otherwise that is [`crate::ModelError::RequestTooLarge`].
    pub may_shorten: bool,
    /// What this request may use.
    pub policy: Policy,
    /// Told the place in the queue, from 1, while the request waits in it; 0 while the model is
    /// loaded for it, where that is known; `None` otherwise.
    pub queue: Option<watch::Sender<Option<usize>>>,
}

/// What a request may use, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Whose request it is: people who wait take turns. 0 is nobody's.
    pub user: u128,
    /// Never to a cloud.
    pub local_only: bool,
    /// The models that this person may use; `None` for all.
    pub allowed: Option<Arc<[String]>>,
    /// Only the models that the request names: no other one answers in their place.
    pub strict: bool,
}

impl Default for Policy {
    /// Nobody's request, which stays on local models, any of them.
    fn default() -> Self {
        Self {
            user: 0,
            local_only: true,
            allowed: None,
            strict: false,
        }
    }
}

impl Policy {
    /// Whether it lets the request use the model of this identifier.
    pub(crate) fn allows(&self, model: &str) -> bool {
        self.allowed
            .as_deref()
            .is_none_or(|allowed| allowed.iter().any(|id| id == model))
    }
}
