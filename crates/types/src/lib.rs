//! What the server and the browser both know: identifiers, plans, money and the
//! events of an answer. Only serde, so that it also fits into WebAssembly.

mod answer;
mod ids;
mod money;
mod plan;

pub use answer::{AnswerStatus, Feedback, Finished, Making, Started, StreamEvent, ViewEvent};
pub use ids::{
    AgentId, ApiKeyId, ConversationId, GenerationId, InvalidId, MessageId, UserId, UserSessionId,
};
pub use money::{Currency, InvalidCurrency, Money, decimal};
pub use plan::{Tier, UnknownTier};
