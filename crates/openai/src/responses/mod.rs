//! `/v1/responses`, the API's newer form of a question and its answer.
//!
//! Answers are not kept here (`store` is always `false` in what is returned): a program that
//! wants to go on sends what was said, or uses `/v1/conversations`.

mod events;
mod input;
mod request;
mod response;

pub use events::{EventEncoder, Outcome};
pub use input::{Input, InputItem};
pub use request::{FunctionTool, Reasoning, ResponsesRequest, TextFormat, TextOptions};
pub use response::{OutputItem, OutputText, Response, ResponseHead, ResponseUsage};
