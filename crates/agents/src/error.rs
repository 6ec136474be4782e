//! Why something with an agent did not work.

use onelastai_db::DbError;

use crate::AgentVersion;

/// Why an agent could not be had.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// There is none of that name, or not for this person.
    #[error("no such agent")]
    NotFound,
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<sqlx::Error> for AgentError {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

/// One field that isn't right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// Which one: a field's name in [`crate::AgentDraft`], one of `parameters.…`, or of an
    /// imported file `file` or the place in it.
    pub field: String,
    /// What to do, in words for people. Text: it may repeat what was written.
    pub message: String,
}

impl FieldError {
    pub(crate) fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            message: message.into(),
        }
    }
}

/// Why a change to an agent did not happen.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// There is no such agent or version, or this person may not change it.
    #[error("no such agent")]
    NotFound,
    /// These fields aren't right: all of them, so that a form can show each in its place.
    #[error("{} fields are not right", .0.len())]
    Invalid(Vec<FieldError>),
    /// The person's plan has room for so many agents of their own, and there they are.
    #[error("no room for more than {0} agents")]
    Full(i32),
    /// Somebody saved in between. This is the newer version.
    #[error("the agent was changed in between")]
    Conflict(Box<AgentVersion>),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<sqlx::Error> for EditError {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

impl From<AgentError> for EditError {
    fn from(error: AgentError) -> Self {
        match error {
            AgentError::NotFound => Self::NotFound,
            AgentError::Db(error) => Self::Db(error),
        }
    }
}

/// Of JSON in the database that can't be read: a fault of ours.
pub(crate) fn unreadable(error: serde_json::Error) -> DbError {
    DbError::Unexpected(sqlx::Error::Decode(error.into()))
}
