//! The models an operator runs, their health, and the choice between them.
//!
//! A caller asks for an answer by naming models in the order of preference; the router picks
//! one of them and one of its instances, opens a stream and says which it chose and why:
//!
//! ```text
//! ChatRequest → policy (which model, which instance) → provider (Ollama) → ChatStream
//! ```
//!
//! - [`ModelRouter`] is the only way in. It is cheap to clone.
//! - Until the first piece of an answer there may be one second try, at another instance or at
//!   the next preferred model. After it there is none: what was shown is never said twice.
//! - Every failure is a [`ModelError`] with a stable code and words that may be shown.
//! - Models hold nothing and are not trusted: lines, bodies and waits are bounded.
//!
//! The story in files: `config` (what exists), `registry` (how each instance fares), `policy`
//! (the choice), `router` (the tries), `stream` (the answer), `health`, and `providers` (how an
//! engine is spoken to).

mod chat;
mod client;
mod config;
mod error;
mod health;
mod policy;
mod providers;
mod registry;
mod router;
mod stream;

pub use chat::{
    ChatEvent, ChatMessage, ChatRequest, ChatUsage, Chosen, FinishReason, Parameters, Role,
};
pub use config::{ModelName, ModelSpec, ProviderKind, RouterConfig};
pub use error::{ModelError, RouterError};
pub use health::InstanceHealth;
pub use router::ModelRouter;
pub use stream::ChatStream;
