//! `/v1/chat/completions`.

mod chunk;
mod message;
mod request;
mod response;
mod tools;

pub use chunk::ChunkEncoder;
pub use message::{Content, ContentPart, ImageUrl, Message, MessageRole};
pub(crate) use message::{fitting, picture};
pub use request::{ChatCompletionRequest, ReasoningEffort, ResponseFormat, Stop, StreamOptions};
pub(crate) use request::{MOST_MESSAGES, within};
pub use response::{AssistantMessage, ChatCompletion, Choice, Collected, Details, Head, Usage};
pub use tools::{CalledFunction, Function, ToolCall, ToolChoice, ToolDefinition};
pub(crate) use tools::{fitting as tools_fitting, into_router as tools_into_router, named};
