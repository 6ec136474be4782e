//! Every error of the API, as its clients expect it: one body, the right status, and when to
//! come back.

use std::time::Duration;

use axum::{
    Json,
    extract::rejection::{BytesRejection, PathRejection, QueryRejection},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use onelastai_access::AccessError;
use onelastai_chat::ChatError;
use onelastai_db::DbError;
use onelastai_gateway::GatewayError;
use onelastai_model_router::ModelError;
use onelastai_openai::{ApiError, ErrorBody, ErrorKind};
use onelastai_usage::{RateLimit, Rates, UsageError};

use super::{MAX_BODY, reply::rate_headers};

/// Until an answer that is under way is asked for again; the SDKs wait for that and do.
const IN_USE: Duration = Duration::from_secs(5);

/// A response that is an error.
#[derive(Debug)]
pub(super) struct Failure {
    status: StatusCode,
    /// Boxed, as the limit is: most calls succeed, and carry the room of an error about.
    error: Box<ApiError>,
    retry_after: Option<Duration>,
    rate: Option<Box<RateLimit>>,
}

impl Failure {
    fn new(status: StatusCode, kind: ErrorKind, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            error: Box::new(ApiError::new(kind, code, message)),
            retry_after: None,
            rate: None,
        }
    }

    pub(super) fn no_credential() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            ErrorKind::AuthenticationError,
            "invalid_api_key",
            "Send an API key as `Authorization: Bearer ola_…`. Keys are made in the account pages.",
        )
    }

    pub(super) fn not_found(what: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            ErrorKind::NotFoundError,
            "not_found",
            format!("There is no such {what}, or it isn't yours."),
        )
    }

    pub(super) fn forbidden(scope: &str) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            ErrorKind::PermissionError,
            "insufficient_scope",
            format!(
                "This needs the scope `{scope}`: the key doesn't have it, or its owner may not do this any more."
            ),
        )
    }

    pub(super) fn idempotency(code: &str, message: &str) -> Self {
        let status = match code {
            "idempotency_key_in_use" => StatusCode::CONFLICT,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        let retry_after = (status == StatusCode::CONFLICT).then_some(IN_USE);
        Self {
            retry_after,
            ..Self::new(status, ErrorKind::IdempotencyError, code, message)
        }
    }

    /// Something of ours is away for now.
    pub(super) fn unavailable() -> Self {
        Self {
            retry_after: Some(Duration::from_secs(5)),
            ..Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                ErrorKind::ServerError,
                "unavailable",
                "Something that this server needs can't be reached just now. Try again in a moment.",
            )
        }
    }

    /// The server is about to end; another one, or this one in a moment, takes the call.
    pub(super) fn stopping() -> Self {
        Self {
            retry_after: Some(Duration::from_secs(5)),
            ..Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                ErrorKind::ServerError,
                "server_stopping",
                "This server is being restarted. Send the request again in a moment.",
            )
        }
    }

    /// Nobody took the pieces of an answer, and others want the model.
    pub(super) fn slow_reader() -> Self {
        Self::new(
            StatusCode::REQUEST_TIMEOUT,
            ErrorKind::InvalidRequestError,
            "reader_too_slow",
            "The answer was ended, because nothing of it was read for a while.",
        )
    }

    pub(super) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            ErrorKind::ServerError,
            "internal_error",
            "Something went wrong on our side. It has been noted.",
        )
    }

    /// What a stream that has begun is told.
    pub(super) fn into_error(self) -> ApiError {
        *self.error
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let body = Json(ErrorBody { error: *self.error });
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        if let Some(rate) = &self.rate {
            rate_headers(&Rates::from(**rate), headers);
        }
        if let Some(wait) = self.retry_after {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            error: Box::new(error),
            retry_after: None,
            rate: None,
        }
    }
}

impl From<BytesRejection> for Failure {
    fn from(rejection: BytesRejection) -> Self {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            let most = MAX_BODY >> 20;
            return Self::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                ErrorKind::InvalidRequestError,
                "request_too_large",
                format!("The body of the request is too large: it may have {most} MB."),
            );
        }
        let words = "The body of the request did not come whole.";
        ApiError::new(ErrorKind::InvalidRequestError, "invalid_value", words).into()
    }
}

impl From<QueryRejection> for Failure {
    fn from(rejection: QueryRejection) -> Self {
        let text = rejection.body_text();
        // "Failed to deserialize query string: limit: invalid digit found in string"
        let wrong = text
            .split_once(": ")
            .map_or(text.as_str(), |(_, wrong)| wrong);
        match wrong.split_once(": ") {
            Some((param, _)) => ApiError::invalid(param, sentence(wrong)),
            None => ApiError::new(
                ErrorKind::InvalidRequestError,
                "invalid_value",
                sentence(wrong),
            ),
        }
        .into()
    }
}

impl From<PathRejection> for Failure {
    fn from(_: PathRejection) -> Self {
        Self::not_found("thing")
    }
}

impl From<DbError> for Failure {
    fn from(error: DbError) -> Self {
        tracing::error!(%error, "database");
        match error {
            DbError::Unavailable(_) => Self::unavailable(),
            DbError::Refused(_) | DbError::Unexpected(_) => Self::internal(),
        }
    }
}

impl From<ModelError> for Failure {
    fn from(error: ModelError) -> Self {
        let words = error.to_string();
        let code = error.code();
        let server = |status| Self::new(status, ErrorKind::ServerError, code, sentence(&words));
        match error {
            ModelError::NoModel { .. } => Self {
                error: Box::new(ApiError {
                    param: Some("model".to_owned()),
                    ..ApiError::new(
                        ErrorKind::NotFoundError,
                        "model_not_found",
                        sentence(&words),
                    )
                }),
                ..Self::not_found("model")
            },
            ModelError::RequestTooLarge => Self::new(
                StatusCode::BAD_REQUEST,
                ErrorKind::InvalidRequestError,
                "context_length_exceeded",
                sentence(&words),
            ),
            // What the engine says of a request that it can't take, such as tools that the
            // model doesn't know.
            ModelError::Refused {
                status: 400 | 422, ..
            } => Self::new(
                StatusCode::BAD_REQUEST,
                ErrorKind::InvalidRequestError,
                code,
                sentence(&words),
            ),
            ModelError::QueueFull { retry_after } => Self {
                retry_after: Some(retry_after),
                ..server(StatusCode::SERVICE_UNAVAILABLE)
            },
            ModelError::RateLimited { retry_after } => Self {
                retry_after: Some(retry_after.unwrap_or(Duration::from_secs(5))),
                ..server(StatusCode::SERVICE_UNAVAILABLE)
            },
            ModelError::Unsupported(_) => Self::new(
                StatusCode::BAD_REQUEST,
                ErrorKind::InvalidRequestError,
                code,
                sentence(&words),
            ),
            ModelError::QueueTimeout => Self {
                retry_after: Some(Duration::from_secs(5)),
                ..server(StatusCode::SERVICE_UNAVAILABLE)
            },
            ModelError::FirstTokenTimeout | ModelError::IdleTimeout => {
                server(StatusCode::GATEWAY_TIMEOUT)
            }
            _ => server(StatusCode::BAD_GATEWAY),
        }
    }
}

impl From<AccessError> for Failure {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::NetworkNotAllowed => Self::new(
                StatusCode::FORBIDDEN,
                ErrorKind::PermissionError,
                "network_not_allowed",
                "This key may not be used from this network.",
            ),
            AccessError::TooManyTries { retry_after } => Self {
                retry_after: Some(retry_after),
                ..Self::new(
                    StatusCode::TOO_MANY_REQUESTS,
                    ErrorKind::RateLimitError,
                    "too_many_invalid_keys",
                    "Too many keys that do not exist came from this address. Try again in a minute.",
                )
            },
            AccessError::Unavailable(_) => {
                tracing::error!(%error, "who calls can't be looked up");
                Self::unavailable()
            }
            AccessError::Unknown
            | AccessError::Expired
            | AccessError::Revoked
            | AccessError::Token(_)
            | AccessError::Disabled => Self::new(
                StatusCode::UNAUTHORIZED,
                ErrorKind::AuthenticationError,
                "invalid_api_key",
                "This key or token is not a good one: it is unknown, expired or revoked.",
            ),
        }
    }
}

impl From<UsageError> for Failure {
    fn from(error: UsageError) -> Self {
        let words = sentence(&error.to_string());
        match error {
            UsageError::Exceeded {
                retry_after, rate, ..
            } => Self {
                retry_after: Some(retry_after),
                rate: Some(Box::new(rate)),
                ..Self::new(
                    StatusCode::TOO_MANY_REQUESTS,
                    ErrorKind::RateLimitError,
                    "rate_limit_exceeded",
                    words,
                )
            },
            UsageError::ModelNotInTier => Self::new(
                StatusCode::FORBIDDEN,
                ErrorKind::PermissionError,
                "model_not_in_plan",
                words,
            ),
            UsageError::ContextTooLong { .. } => Self::new(
                StatusCode::BAD_REQUEST,
                ErrorKind::InvalidRequestError,
                "context_length_exceeded",
                words,
            ),
            UsageError::Unavailable => Self::unavailable(),
            UsageError::Db(error) => error.into(),
        }
    }
}

impl From<GatewayError> for Failure {
    fn from(error: GatewayError) -> Self {
        let words = sentence(&error.to_string());
        match error {
            GatewayError::Forbidden(scope) => Self::forbidden(scope.name()),
            GatewayError::OnlyAgents | GatewayError::TierRequired(_) => Self::new(
                StatusCode::FORBIDDEN,
                ErrorKind::PermissionError,
                "not_allowed",
                words,
            ),
            GatewayError::NotFound(_) => Self {
                error: Box::new(ApiError {
                    param: Some("model".to_owned()),
                    ..ApiError::new(ErrorKind::NotFoundError, "model_not_found", words)
                }),
                ..Self::not_found("model")
            },
            GatewayError::NoSuchResponse => Self::not_found("response"),
            GatewayError::NoPrevious => before("previous_response_not_found", words),
            GatewayError::TooMuchBefore => before("context_length_exceeded", words),
            GatewayError::Usage(error) => error.into(),
            GatewayError::Model(error) => error.into(),
            GatewayError::Db(error) => error.into(),
        }
    }
}

impl From<ChatError> for Failure {
    fn from(error: ChatError) -> Self {
        match error {
            ChatError::NotFound => Self::not_found("conversation"),
            ChatError::NoSuchAgent => Self::not_found("agent"),
            ChatError::Busy => Self::new(
                StatusCode::CONFLICT,
                ErrorKind::InvalidRequestError,
                "conversation_busy",
                "An answer is still being written in this conversation.",
            ),
            ChatError::Invalid { field, message } => ApiError::invalid(field, message).into(),
            ChatError::TierRequired(tier) => GatewayError::TierRequired(tier).into(),
            ChatError::Usage(error) => error.into(),
            ChatError::Db(error) => error.into(),
        }
    }
}

/// What a request should go on from can't be read: 400, as OpenAI's API says it.
fn before(code: &str, words: String) -> Failure {
    ApiError {
        param: Some("previous_response_id".to_owned()),
        ..ApiError::new(ErrorKind::InvalidRequestError, code, words)
    }
    .into()
}

/// For addresses below `/v1` that aren't there.
pub(super) async fn no_such_address() -> Failure {
    Failure::new(
        StatusCode::NOT_FOUND,
        ErrorKind::InvalidRequestError,
        "unknown_url",
        "There is nothing at this address. /openapi.json lists what there is.",
    )
}

/// For addresses that are there, and don't take this method.
pub(super) async fn no_such_method() -> Failure {
    Failure::new(
        StatusCode::METHOD_NOT_ALLOWED,
        ErrorKind::InvalidRequestError,
        "method_not_allowed",
        "This address doesn't take this method. /openapi.json lists what there is.",
    )
}

fn sentence(words: &str) -> String {
    let mut chars = words.chars();
    chars.next().map_or_else(String::new, |first| {
        let stop = if words.ends_with(['.', '!', '?']) {
            ""
        } else {
            "."
        };
        format!("{}{}{stop}", first.to_uppercase(), chars.as_str())
    })
}
