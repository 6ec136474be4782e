//! What a person is told when something does not work. Every domain error becomes
//! one of these here, and nowhere else; what only an operator should know stays in
//! the log.

use leptos::server_fn::codec::JsonEncoding;
use leptos::server_fn::error::{FromServerFnError, ServerFnErrorErr};
use serde::{Deserialize, Serialize};

/// What went wrong, in the terms of the person in front of the screen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum AppError {
    /// Nobody is signed in, or the session has ended.
    #[error("Please sign in again: your session has ended.")]
    SignedOut,
    /// It is somebody else's, or it isn't there; a stranger can't tell which.
    #[error("This page doesn't exist, or it isn't yours.")]
    NotFound,
    /// This person may not chat, here or anywhere.
    #[error(
        "Your account may not use the chat. Ask whoever looks after OneLastAI where you are to \
         give you the role “user”, then load this page again."
    )]
    NoChat,
    /// A field of a form isn't right.
    #[error("{message}")]
    Invalid {
        /// The name of the field.
        field: String,
        /// What to do about it.
        message: String,
    },
    /// The conversation is still being answered.
    #[error("An answer is still being written. Stop it, or wait for its end, then send again.")]
    Busy,
    /// A limit of the plan is in the way.
    #[error("{message}")]
    Limit {
        /// Which one, and when it is possible again.
        message: String,
        /// Seconds until then, where waiting helps.
        retry_after: Option<u64>,
    },
    /// Something the server needs is away for now.
    #[error("{what} can't be reached just now. Nothing is lost; please try again in a moment.")]
    Unavailable {
        /// What is away, as a person would name it.
        what: String,
    },
    /// The request never reached the server, or its answer never came back.
    #[error("The connection is gone. Check your network and try again.")]
    Connection,
    /// A fault of ours.
    #[error("Something went wrong on our side. It has been noted; please try again.")]
    Internal,
}

impl AppError {
    /// The status of a response that carries this.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::SignedOut => 401,
            Self::NoChat => 403,
            Self::NotFound => 404,
            Self::Invalid { .. } => 422,
            Self::Busy => 409,
            Self::Limit {
                retry_after: None, ..
            } => 403,
            Self::Limit { .. } => 429,
            Self::Unavailable { .. } | Self::Connection => 503,
            Self::Internal => 500,
        }
    }
}

impl FromServerFnError for AppError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Request(_) => Self::Connection,
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) => Self::Invalid {
                field: String::new(),
                message: "The form was not complete. Reload the page and try again.".to_owned(),
            },
            _ => Self::Internal,
        }
    }
}

#[cfg(feature = "ssr")]
mod from_domains {
    use onelastai_access::KeyError;
    use onelastai_agents::{AgentError, EditError};
    use onelastai_chat::ChatError;
    use onelastai_db::DbError;
    use onelastai_identity::IdentityError;
    use onelastai_models::ModelsError;
    use onelastai_usage::{Limit, Scope, UsageError};

    use super::AppError;
    use crate::ui::{count, in_time};

    fn unavailable(what: &str) -> AppError {
        AppError::Unavailable {
            what: what.to_owned(),
        }
    }

    impl From<DbError> for AppError {
        fn from(error: DbError) -> Self {
            tracing::error!(%error, "database");
            match error {
                DbError::Unavailable(_) => unavailable("The database"),
                DbError::Refused(_) | DbError::Unexpected(_) => Self::Internal,
            }
        }
    }

    impl From<AgentError> for AppError {
        fn from(error: AgentError) -> Self {
            match error {
                AgentError::NotFound => Self::NotFound,
                AgentError::Db(error) => error.into(),
            }
        }
    }

    impl From<EditError> for AppError {
        fn from(error: EditError) -> Self {
            match error {
                EditError::NotFound => Self::NotFound,
                EditError::Invalid(wrong) => Self::Invalid {
                    field: wrong.first().map(|it| it.field.clone()).unwrap_or_default(),
                    message: wrong
                        .into_iter()
                        .map(|it| match it.field.as_str() {
                            "" | "file" => it.message,
                            field => format!("{field}: {}", it.message),
                        })
                        .collect::<Vec<_>>()
                        .join(" "),
                },
                EditError::Conflict(newer) => Self::Invalid {
                    field: "based_on".to_owned(),
                    message: format!(
                        "Somebody saved version {} in between. Look at it, then try again.",
                        newer.version
                    ),
                },
                EditError::Full(most) => Self::Invalid {
                    field: String::new(),
                    message: format!(
                        "Your plan has room for {most} agents, and you have as many. Delete one \
                         of them, or get a larger plan."
                    ),
                },
                EditError::Db(error) => error.into(),
            }
        }
    }

    impl From<KeyError> for AppError {
        fn from(error: KeyError) -> Self {
            match error {
                KeyError::NotFound | KeyError::NotAllowed => Self::NotFound,
                KeyError::Db(error) => error.into(),
                KeyError::Invalid(_)
                | KeyError::MadeAlready(_)
                | KeyError::Replaced(_)
                | KeyError::Ended
                | KeyError::TooMany(_) => Self::Invalid {
                    field: String::new(),
                    message: error.to_string(),
                },
            }
        }
    }

    impl From<ModelsError> for AppError {
        fn from(error: ModelsError) -> Self {
            match error {
                ModelsError::NotFound => Self::NotFound,
                ModelsError::Conflict => Self::Invalid {
                    field: "based_on".to_owned(),
                    message: "Somebody changed the model in between.".to_owned(),
                },
                ModelsError::Invalid(wrong) => Self::Invalid {
                    field: wrong.first().map_or("", |it| it.field).to_owned(),
                    message: wrong
                        .into_iter()
                        .map(|it| it.message)
                        .collect::<Vec<_>>()
                        .join(" "),
                },
                ModelsError::Db(error) => error.into(),
            }
        }
    }

    impl From<ChatError> for AppError {
        fn from(error: ChatError) -> Self {
            match error {
                ChatError::NotFound | ChatError::NoSuchAgent => Self::NotFound,
                ChatError::Busy => Self::Busy,
                ChatError::TierRequired(tier) => Self::Invalid {
                    field: "agent".to_owned(),
                    message: format!(
                        "This agent is part of the plan {tier}. Take another agent, or get that plan."
                    ),
                },
                ChatError::Invalid { field, message } => Self::Invalid {
                    field: field.to_owned(),
                    message: message.to_owned(),
                },
                ChatError::Usage(error) => error.into(),
                ChatError::Db(error) => error.into(),
            }
        }
    }

    impl From<UsageError> for AppError {
        fn from(error: UsageError) -> Self {
            match error {
                UsageError::Exceeded {
                    limit,
                    scope,
                    retry_after,
                    rate,
                } => {
                    let whose = match scope {
                        Scope::Tier => "Your plan",
                        Scope::Key => "This API key",
                    };
                    let what = match limit {
                        Limit::RequestsPerMinute => Some("requests a minute"),
                        Limit::TokensPerMinute => Some("tokens a minute"),
                        Limit::RequestsPerDay => Some("requests a day"),
                        Limit::TokensPerDay => Some("tokens a day"),
                        Limit::CostPerMonth => None,
                    };
                    let reason = match what {
                        Some(what) => format!(
                            "{whose} has {} {what}, and what is left of them is not enough.",
                            count(rate.limit)
                        ),
                        None => "The budget of this month is used up.".to_owned(),
                    };
                    let rounded_up = retry_after + std::time::Duration::from_millis(999);
                    Self::Limit {
                        message: format!("{reason} It is possible again {}.", in_time(retry_after)),
                        retry_after: Some(rounded_up.as_secs()),
                    }
                }
                UsageError::ModelNotInTier => Self::Limit {
                    message: "Your plan doesn't include the model that would answer.".to_owned(),
                    retry_after: None,
                },
                UsageError::ContextTooLong { limit, .. } => Self::Limit {
                    message: format!(
                        "That is more than your plan takes at once: {} tokens, with the answer. \
                         Make it shorter.",
                        count(limit)
                    ),
                    retry_after: None,
                },
                UsageError::Unavailable => unavailable("The count of what is used"),
                UsageError::Db(error) => error.into(),
            }
        }
    }

    impl From<IdentityError> for AppError {
        fn from(error: IdentityError) -> Self {
            match error {
                IdentityError::Db(error) => error.into(),
                IdentityError::NotFound => Self::NotFound,
                IdentityError::KeycloakUnavailable(_) => {
                    tracing::error!(%error, "sign-in");
                    unavailable("The sign-in service")
                }
                IdentityError::SessionsUnavailable(_) => {
                    tracing::error!(%error, "sessions");
                    unavailable("The session store")
                }
                IdentityError::SignInExpired
                | IdentityError::Denied(_)
                | IdentityError::Unverified(_)
                | IdentityError::Disabled => {
                    tracing::warn!(%error, "sign-in refused");
                    Self::SignedOut
                }
            }
        }
    }
}
