//! The words of the OpenAI API (<https://platform.openai.com/docs/api-reference>): what its
//! clients send, as the router's questions, and the router's answers, as its clients expect
//! them.
//!
//! ```text
//! JSON → ChatCompletionRequest → ChatRequest → (the router) → ChatEvent → ChunkEncoder → SSE
//!                                                                       → Collected → ChatCompletion
//! ```
//!
//! Nothing here knows of HTTP servers, keys or people. Fields that we don't know are passed
//! over, as the API's own servers do with fields that are newer than they are; fields that
//! would steer a request elsewhere, or carry somebody's password, are refused ([`parse`]).

pub mod chat;
mod embeddings;
mod error;
mod models;
mod parse;
pub mod responses;
mod tokens;

pub use embeddings::{Embedding, EmbeddingList, EmbeddingsRequest, EncodingFormat, Vector};
pub use error::{ApiError, ErrorBody, ErrorKind};
pub use models::{Model, ModelList};
pub use parse::parse;
