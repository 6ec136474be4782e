//! `/v1/responses`, the API's newer form of a question and its answer.
//!
//! An answer is kept with what was asked ([`KeptItem`]) unless `store` is `false`, and another
//! one can go on from it by `previous_response_id`. Where it is kept is not for here to know.

mod events;
mod input;
mod kept;
mod request;
mod response;

pub use events::{EventEncoder, Outcome};
pub use input::{Input, InputItem, InputPart, MessageContent, TypedItem};
pub use kept::{DeletedResponse, ItemList, ItemOrder, ItemPage, KeptItem, KeptOutput};
pub use request::{FunctionTool, Reasoning, ResponsesRequest, TextFormat, TextOptions};
pub use response::{OutputItem, OutputText, Response, ResponseHead, ResponseUsage};
