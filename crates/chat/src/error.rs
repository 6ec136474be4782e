//! Why something in the chat did not work.

use onelastai_agents::AgentError;
use onelastai_db::DbError;
use onelastai_types::Tier;
use onelastai_usage::UsageError;

/// Why something in the chat did not work.
#[derive(Debug, thiserror::Error)]
pub enum ChatError {
    /// There is no such conversation or answer, or it is somebody else's.
    #[error("no such conversation")]
    NotFound,
    /// There is no such agent, or not for this person.
    #[error("no such agent")]
    NoSuchAgent,
    /// The conversation is still being answered.
    #[error("an answer is still being written")]
    Busy,
    /// A field isn't right.
    #[error("{field}: {message}")]
    Invalid {
        /// Which one.
        field: &'static str,
        /// What to do, in words for people.
        message: &'static str,
    },
    /// The agent takes this plan, or a larger one.
    #[error("this agent takes the plan {0}")]
    TierRequired(Tier),
    /// The tier of the person doesn't allow it, or not just now.
    #[error(transparent)]
    Usage(#[from] UsageError),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<sqlx::Error> for ChatError {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

impl From<AgentError> for ChatError {
    fn from(error: AgentError) -> Self {
        match error {
            AgentError::NotFound => Self::NoSuchAgent,
            AgentError::Db(error) => Self::Db(error),
        }
    }
}
