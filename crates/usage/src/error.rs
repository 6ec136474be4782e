//! Why a request is not admitted.

use std::time::Duration;

use onelastai_db::DbError;

use crate::{Limit, RateLimit, Scope};

/// Why a request is not admitted, or something about usage could not be told.
#[derive(Debug, thiserror::Error)]
pub enum UsageError {
    /// A limit is used up for now.
    #[error("over the limit of {}", limit.as_str())]
    Exceeded {
        /// Which one.
        limit: Limit,
        /// Whose it is.
        scope: Scope,
        /// Then the same request fits, if nothing else is asked for meanwhile.
        retry_after: Duration,
        /// That limit, for the headers.
        rate: RateLimit,
    },
    /// This tier doesn't have this model.
    #[error("the model is not part of this tier")]
    ModelNotInTier,
    /// The request is larger than any request may be.
    #[error("{tokens} tokens are asked for, at most {limit} may be")]
    ContextTooLong {
        /// Prompt and longest answer together.
        tokens: u64,
        /// The most there may be.
        limit: u64,
    },
    /// More is waiting to be written down than can be kept, or nobody can say what a key's budget
    /// has left.
    #[error("usage can't be looked up or written down just now")]
    Unavailable,
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<sqlx::Error> for UsageError {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}
