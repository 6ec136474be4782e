//! What can go wrong.

use onelastai_db::DbError;

/// What is wrong with one field of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The field's name.
    pub field: &'static str,
    /// What to do about it.
    pub message: String,
}

impl FieldError {
    pub(crate) fn new(field: &'static str, message: impl Into<String>) -> Self {
        Self {
            field,
            message: message.into(),
        }
    }
}

/// Why something an operator wanted was not done.
#[derive(Debug, thiserror::Error)]
pub enum ModelsError {
    /// There is no such model, or no such instance of it.
    #[error("no such model or instance")]
    NotFound,
    /// Somebody else changed the model in between.
    #[error("somebody changed the model in between")]
    Conflict,
    /// Fields that aren't right.
    #[error("{} fields are not right", .0.len())]
    Invalid(Vec<FieldError>),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<sqlx::Error> for ModelsError {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}
