//! Database errors, by what a caller can do about them.

use std::future::Future;

/// What a query gives.
pub type DbResult<T> = Result<T, DbError>;

/// Why a query failed.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// PostgreSQL can't be reached, is shutting down, or has no connection free in
    /// time. Trying again later may help.
    #[error("the database is not available: {0}")]
    Unavailable(#[source] sqlx::Error),
    /// The change was refused by a constraint or unique index of this name.
    #[error("refused by the constraint {0}")]
    Refused(String),
    /// Anything else is a fault of ours.
    #[error("unexpected database error: {0}")]
    Unexpected(#[source] sqlx::Error),
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Unavailable(error),
            sqlx::Error::Database(cause) => {
                if let Some(name) = cause.constraint() {
                    return Self::Refused(name.to_owned());
                }
                // Classes 08 (connection), 53 (resources), 57P (intervention):
                // https://www.postgresql.org/docs/current/errcodes-appendix.html
                let away = cause
                    .code()
                    .is_some_and(|code| ["08", "53", "57P"].iter().any(|c| code.starts_with(c)));
                if away {
                    Self::Unavailable(error)
                } else {
                    Self::Unexpected(error)
                }
            }
            _ => Self::Unexpected(error),
        }
    }
}

/// Gives refusals by a known constraint a meaning of their own.
pub trait Constraint<T, E> {
    /// Becomes `meaning` where the constraint `name` refused the change.
    ///
    /// # Errors
    /// Every other error stays what it is.
    fn on_constraint(self, name: &str, meaning: impl FnOnce() -> E) -> Result<T, E>;
}

impl<T, E: From<DbError>> Constraint<T, E> for Result<T, sqlx::Error> {
    fn on_constraint(self, name: &str, meaning: impl FnOnce() -> E) -> Result<T, E> {
        self.map_err(|error| match DbError::from(error) {
            DbError::Refused(refused) if refused == name => meaning(),
            other => other.into(),
        })
    }
}

/// Runs a query that is safe to repeat once more when its connection turns out dead,
/// as all pooled ones are after PostgreSQL restarted.
///
/// # Errors
/// As the query.
pub(crate) async fn once_more<T, F>(query: impl Fn() -> F) -> DbResult<T>
where
    F: Future<Output = Result<T, sqlx::Error>>,
{
    match query().await {
        Err(sqlx::Error::Io(_)) => query().await.map_err(DbError::from),
        other => other.map_err(DbError::from),
    }
}
