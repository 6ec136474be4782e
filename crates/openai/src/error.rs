//! Errors in the API's own form (<https://platform.openai.com/docs/guides/error-codes>).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The `type` of an error: what a client branches on, next to the HTTP status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The request has to change before it can succeed.
    InvalidRequestError,
    /// The credential is missing or not a good one.
    AuthenticationError,
    /// The credential is good, and doesn't allow this.
    PermissionError,
    /// There is no such thing, or not for this caller.
    NotFoundError,
    /// Too much in too short a time; `Retry-After` says when to come back.
    RateLimitError,
    /// The same `Idempotency-Key` with another request, or with one that is under way.
    IdempotencyError,
    /// Our side, or a model's.
    ServerError,
}

/// One error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// What is wrong and what to do, for people.
    pub message: String,
    /// Its kind.
    #[serde(rename = "type")]
    pub kind: ErrorKind,
    /// The field of the request that is wrong, such as `messages[0].content`.
    pub param: Option<String>,
    /// A stable name, such as `model_not_found`.
    pub code: Option<String>,
}

/// The body of a response that is an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorBody {
    /// What went wrong.
    pub error: ApiError,
}

impl ApiError {
    /// An error of `kind` with a stable name.
    pub fn new(kind: ErrorKind, code: &str, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            kind,
            param: None,
            code: Some(code.to_owned()),
        }
    }

    /// A request whose field `param` is wrong.
    pub fn invalid(param: &str, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            kind: ErrorKind::InvalidRequestError,
            param: Some(param.to_owned()),
            code: Some("invalid_value".to_owned()),
        }
    }

    /// Something of the API that is not offered here.
    pub(crate) fn unsupported(param: &str, message: impl Into<String>) -> Self {
        Self {
            code: Some("unsupported_value".to_owned()),
            ..Self::invalid(param, message)
        }
    }

    /// A field of the API that would be passed over in silence here.
    pub(crate) fn unsupported_parameter(param: &str, message: impl Into<String>) -> Self {
        Self {
            code: Some("unsupported_parameter".to_owned()),
            ..Self::invalid(param, message)
        }
    }
}
