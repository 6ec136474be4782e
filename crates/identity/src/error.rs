//! Why a sign-in or a session did not work.

use onelastai_db::DbError;

/// Why a sign-in or a session did not work.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// Keycloak can't be reached or does not answer as it should.
    #[error("Keycloak is not available: {0}")]
    KeycloakUnavailable(String),
    /// The sessions can't be read or written.
    #[error("the session store is not available: {0}")]
    SessionsUnavailable(#[from] redis::RedisError),
    /// The sign-in took too long, was begun in another browser, or was used before.
    #[error("this sign-in is no longer valid")]
    SignInExpired,
    /// The person cancelled, or Keycloak refused.
    #[error("Keycloak refused the sign-in: {0}")]
    Denied(String),
    /// What Keycloak sent can't be trusted; the text is for the log.
    #[error("the sign-in could not be verified: {0}")]
    Unverified(String),
    /// An operator has closed the account.
    #[error("the account is disabled")]
    Disabled,
    /// There is no such thing, or it is somebody else's.
    #[error("not found")]
    NotFound,
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<sqlx::Error> for IdentityError {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}
