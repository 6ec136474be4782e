//! Agents: what they are, and who may use them.

mod sample;
mod store;

pub use sample::create_sample_agents;
pub use store::{Agent, AgentError, AgentService, Parameters};
