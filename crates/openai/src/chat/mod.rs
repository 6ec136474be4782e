//! `/v1/chat/completions`.

mod chunk;
mod message;
mod request;
mod response;
mod tools;

pub use chunk::ChunkEncoder;
pub(crate) use message::picture;
pub use message::{Content, ContentPart, ImageUrl, Message, MessageRole};
pub(crate) use request::within;
pub use request::{ChatCompletionRequest, ResponseFormat, Stop, StreamOptions};
pub use response::{AssistantMessage, ChatCompletion, Choice, Collected, Details, Head, Usage};
pub(crate) use tools::into_router as tools_into_router;
pub use tools::{CalledFunction, Function, ToolCall, ToolChoice, ToolDefinition};
