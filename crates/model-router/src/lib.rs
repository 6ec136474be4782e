//! The models an operator runs, their health, and the choice between them.
//!
//! A caller asks for an answer by naming models in the order of preference; the router picks
//! one of them and one of its instances, opens a stream and says which it chose and why:
//!
//! ```text
//! ChatRequest → plan (which models) → turn (a slot, perhaps after a wait) → pick (which instance)
//!             → provider (Ollama, OpenAI) → ChatStream
//! ```
//!
//! - [`ModelRouter`] is the only way in. It is cheap to clone.
//! - Until the first piece of an answer there may be one second try, at another instance or at
//!   the next model. After it there is none: what was shown is never said twice.
//! - Every failure is a [`ModelError`] with a stable code and words that may be shown.
//! - Models hold nothing and are not trusted: lines, bodies and waits are bounded.
//!
//! The story in files: `config` and `spec` (what exists); `registry`, `pool`, `queue`, `instance`
//! and `breaker` (how it is doing, and who waits); `plan`, `turn` and `pick` (the choice); `router`
//! and `tries` (asking); `stream` (the answer); `health` and `state` (what is told about it); and
//! `providers` (how an engine is spoken to).

mod answer;
mod breaker;
mod budget;
mod chat;
mod client;
mod config;
mod egress;
mod embed;
mod error;
mod health;
mod instance;
mod instance_line;
mod pick;
mod plan;
mod pool;
mod price;
mod providers;
mod queue;
mod registry;
mod router;
mod spec;
mod state;
mod stream;
mod tries;
mod ttft;
mod turn;

pub use answer::{ChatEvent, ChatUsage, Chosen, FinishReason, ToolCallDelta};
pub use chat::{
    ChatMessage, ChatRequest, Effort, Format, Image, Parameters, Policy, Role, Tool, ToolCall,
    ToolChoice,
};
pub use config::RouterConfig;
pub use egress::{is_metadata_address, is_metadata_url};
pub use embed::{EmbedRequest, Embeddings};
pub use error::{Absence, ModelError, RouterError};
pub use health::InstanceHealth;
pub use instance_line::InstanceLineError;
pub use price::Price;
pub use router::ModelRouter;
pub use spec::{
    Capabilities, InstanceSpec, ModelKind, ModelName, ModelSpec, ProviderKind, Secret,
    without_credentials,
};
pub use state::{Health, HealthChange, InstanceState, LastCheck};
pub use stream::ChatStream;
