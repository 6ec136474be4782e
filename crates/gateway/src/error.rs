//! Why a call came to nothing.

use onelastai_access::{ApiCaller, Scope};
use onelastai_agents::AgentError;
use onelastai_db::DbError;
use onelastai_model_router::ModelError;
use onelastai_types::Tier;
use onelastai_usage::UsageError;

/// Why a call came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// The key doesn't have the scope, or its owner not the permission any more.
    #[error("this key may not do that: it needs the scope {0}")]
    Forbidden(Scope),
    /// The key is for some agents only.
    #[error("this key is for some agents only")]
    OnlyAgents,
    /// There is no such model or agent, or not for this caller.
    #[error("there is no model or agent {0:?} here")]
    NotFound(String),
    /// There is no such answer, or it is not this caller's.
    #[error("there is no such response")]
    NoSuchResponse,
    /// What an answer should go on from isn't there, or not for this caller.
    #[error(
        "there is no such response to go on from: it, or one before it, was never kept, was deleted, is older than 30 days or isn't yours"
    )]
    NoPrevious,
    /// What an answer should go on from is more than can be read at once.
    #[error("what came before this is too long to go on from")]
    TooMuchBefore,
    /// The agent takes another subscription.
    #[error("this agent takes the plan {0}")]
    TierRequired(Tier),
    /// Past a limit, or the limits can't be looked up.
    #[error(transparent)]
    Usage(#[from] UsageError),
    /// The model did not answer.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<sqlx::Error> for GatewayError {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

/// Whether the caller may do what takes `scope`.
///
/// # Errors
/// [`GatewayError::Forbidden`] where not.
pub fn require(caller: &ApiCaller, scope: Scope) -> Result<(), GatewayError> {
    if caller.may(scope) {
        Ok(())
    } else {
        Err(GatewayError::Forbidden(scope))
    }
}

impl GatewayError {
    pub(crate) fn of_agent(error: AgentError, named: &str) -> Self {
        match error {
            AgentError::NotFound => Self::NotFound(named.to_owned()),
            AgentError::Db(error) => Self::Db(error),
        }
    }
}
