//! Why a caller is not let in, and why a key could not be changed.

use std::{sync::Arc, time::Duration};

use onelastai_db::DbError;
use onelastai_identity::IdentityError;
use onelastai_types::ApiKeyId;

/// Why a caller is not let in.
///
/// [`Self::is_invalid`] tells those that are one answer to the outside (401, as RFC 6750,
/// 3.1 has it): whoever tries keys must not learn which of them were good once.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AccessError {
    /// No such key.
    #[error("no such key")]
    Unknown,
    /// It was good until some time ago.
    #[error("the key has expired")]
    Expired,
    /// Its owner has taken it back.
    #[error("the key was revoked")]
    Revoked,
    /// It is no good access token; the text is for the log.
    #[error("the token could not be verified: {0}")]
    Token(String),
    /// The account is closed, here or in Keycloak.
    #[error("the account is disabled")]
    Disabled,
    /// The key is good, but not from this address.
    #[error("the key may not be used from this address")]
    NetworkNotAllowed,
    /// From this address came too many keys that do not exist, so that no more are looked for.
    #[error("too many unknown keys from this address")]
    TooManyTries {
        /// When they are again.
        retry_after: Duration,
    },
    /// Nobody can tell now: a server that must be asked is away.
    #[error("access can't be checked now: {0}")]
    Unavailable(#[source] Arc<IdentityError>),
}

impl AccessError {
    /// Whether the outside is told no more than "invalid key or token".
    #[must_use]
    pub fn is_invalid(&self) -> bool {
        matches!(
            self,
            Self::Unknown | Self::Expired | Self::Revoked | Self::Token(_) | Self::Disabled
        )
    }
}

impl From<IdentityError> for AccessError {
    fn from(error: IdentityError) -> Self {
        match error {
            IdentityError::Unverified(why) => Self::Token(why),
            IdentityError::Disabled => Self::Disabled,
            other => Self::Unavailable(Arc::new(other)),
        }
    }
}

impl From<sqlx::Error> for AccessError {
    fn from(error: sqlx::Error) -> Self {
        Self::Unavailable(Arc::new(error.into()))
    }
}

/// One field that isn't right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// Which one: a field's name in [`crate::KeyDraft`].
    pub field: &'static str,
    /// What to do, in words for people. Text: it may repeat what was written.
    pub message: String,
}

/// Why a key was not made or changed.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// There is no such key, or it is somebody else's.
    #[error("no such key")]
    NotFound,
    /// The person may not have keys.
    #[error("not allowed to have keys")]
    NotAllowed,
    /// These fields aren't right: all of them, so that a form can show each in its place.
    #[error("{} fields are not right", .0.len())]
    Invalid(Vec<FieldError>),
    /// The same form came before: its key was made then, and shown then.
    #[error("the key was made already")]
    MadeAlready(ApiKeyId),
    /// Another key has taken its place already.
    #[error("the key was replaced already")]
    Replaced(ApiKeyId),
    /// It has ended: there is nothing to replace.
    #[error("the key has ended")]
    Ended,
    /// The person has as many keys as one can have.
    #[error("no more than {0} keys")]
    TooMany(i64),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<sqlx::Error> for KeyError {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}
