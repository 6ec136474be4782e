//! Every way in which asking a model can fail, with a code to act on and words to show.

use std::time::Duration;

/// Why no model may answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absence {
    /// None of them is set up.
    Unknown,
    /// Local models are switched off.
    SwitchedOff,
    /// The person, or the agent, may not use them.
    NotAllowed,
    /// An operator has taken all of their instances out.
    Drained,
}

/// Why an answer could not be had, or broke off.
///
/// The words of each are safe to show: no credentials, no text of the conversation, and what a
/// model server said only after it was made short and flat.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// None of the wanted models may answer.
    #[error("{}", no_model(wanted, *why))]
    NoModel {
        /// The models that were asked for; empty where any would have done.
        wanted: Vec<String>,
        /// Why not.
        why: Absence,
    },
    /// None of the models that may answer can do what the request needs.
    #[error("no model here that may be used can {0}")]
    Unsupported(&'static str),
    /// Too many wait already.
    #[error("too many requests wait for the model{}", retry_words(Some(*retry_after)))]
    QueueFull {
        /// When it may be worth asking again.
        retry_after: Duration,
    },
    /// The request waited for its turn longer than anybody may.
    #[error("it was not this request's turn in time")]
    QueueTimeout,
    /// No connection to the instance: nobody listens, no such host, or no answer in time.
    #[error("{model} could not be reached at {instance}")]
    Unreachable {
        /// Our identifier of the model.
        model: String,
        /// The instance's address, without credentials.
        instance: String,
    },
    /// The instance is there, but does not have the model.
    #[error("{model} is not installed on its model server")]
    ModelMissing {
        /// Our identifier of the model.
        model: String,
    },
    /// The instance answered with a status other than 200.
    #[error("the model server refused the request ({status}): {message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What it said, shortened; or a general reason.
        message: String,
    },
    /// The instance asks to be left alone for a while (status 429).
    #[error("the model server is busy{}", retry_words(*retry_after))]
    RateLimited {
        /// How long, if it said.
        retry_after: Option<Duration>,
    },
    /// The deadline for the first piece of the answer passed.
    #[error("the model did not begin to answer in time")]
    FirstTokenTimeout,
    /// The deadline between two pieces passed.
    #[error("the model fell silent in the middle of the answer")]
    IdleTimeout,
    /// The stream ended before the model said that it was done.
    #[error("the connection to the model broke off before the answer was complete")]
    Interrupted,
    /// The stream held something that is not the protocol, or an endless line.
    #[error("the model server sent something that could not be understood")]
    Malformed,
    /// The model server reported an error inside a stream that had begun well.
    #[error("the model reported an error: {0}")]
    ModelReported(String),
    /// The conversation is larger than may be sent.
    #[error("the conversation is too large for the model")]
    RequestTooLarge,
}

impl ModelError {
    /// Every [`ModelError::code`] that there is.
    pub const CODES: [&'static str; 14] = [
        "no_model",
        "unsupported",
        "queue_full",
        "queue_timeout",
        "unreachable",
        "model_missing",
        "refused",
        "rate_limited",
        "first_token_timeout",
        "idle_timeout",
        "interrupted",
        "malformed",
        "model_reported",
        "request_too_large",
    ];

    /// A stable name for logs, metrics, storage and clients.
    pub fn code(&self) -> &'static str {
        // A new one belongs into `CODES`, too.
        match self {
            Self::NoModel { .. } => "no_model",
            Self::Unsupported(_) => "unsupported",
            Self::QueueFull { .. } => "queue_full",
            Self::QueueTimeout => "queue_timeout",
            Self::Unreachable { .. } => "unreachable",
            Self::ModelMissing { .. } => "model_missing",
            Self::Refused { .. } => "refused",
            Self::RateLimited { .. } => "rate_limited",
            Self::FirstTokenTimeout => "first_token_timeout",
            Self::IdleTimeout => "idle_timeout",
            Self::Interrupted => "interrupted",
            Self::Malformed => "malformed",
            Self::ModelReported(_) => "model_reported",
            Self::RequestTooLarge => "request_too_large",
        }
    }

    /// Whether the same request may succeed elsewhere or later. If not, it has to change first.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::NoModel { .. } | Self::Unsupported(_) | Self::RequestTooLarge => false,
            // Only these say that the request itself is wrong. A redirect, a missing page or a
            // wrong password is a matter of that one instance.
            Self::Refused { status, .. } => !matches!(status, 400 | 413 | 414 | 422),
            _ => true,
        }
    }
}

/// Why a router can't be made from its settings.
#[derive(Debug, thiserror::Error)]
pub enum RouterError {
    /// Two models have the same identifier.
    #[error("the model {0} is configured twice")]
    DuplicateModel(String),
    /// A model without instances.
    #[error("the model {0} has no instance")]
    NoInstance(String),
    /// An instance's address is not `http(s)://host[:port][/path]`.
    #[error("an instance of {model} has an address that can't be used: {reason}")]
    InvalidInstance {
        /// Our identifier of the model.
        model: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// TLS could not be set up, for example because the system has no root certificates.
    #[error("TLS to the models could not be set up")]
    Tls(#[from] rustls::Error),
    /// The HTTP client could not be made.
    #[error("the HTTP client for the models could not be made")]
    Client(#[from] reqwest::Error),
}

fn no_model(wanted: &[String], why: Absence) -> String {
    let why = match (why, wanted) {
        (Absence::SwitchedOff, _) => return "local models are switched off".to_owned(),
        (Absence::Unknown, []) => return "no model is set up".to_owned(),
        (Absence::NotAllowed, []) => return "no model may be used".to_owned(),
        (Absence::Drained, []) => return "all models are taken out of service".to_owned(),
        (Absence::Unknown, _) => "is set up here",
        (Absence::NotAllowed, _) => "may be used",
        (Absence::Drained, _) => "is in service",
    };
    let wanted = plain(&wanted.join(", "), 200);
    format!("none of the wanted models {why}: {wanted}")
}

fn retry_words(retry_after: Option<Duration>) -> String {
    retry_after.map_or_else(String::new, |wait| {
        format!("; try again in {} s", wait.as_secs().max(1))
    })
}

/// Foreign text made fit to show: one line, no control characters, at most `most` characters.
pub(crate) fn plain(text: &str, most: usize) -> String {
    let mut flat = String::new();
    let mut chars = text.trim().chars();
    for char in chars.by_ref().take(most) {
        flat.push(if char.is_control() { ' ' } else { char });
    }
    if chars.next().is_some() {
        flat.push('…');
    }
    flat
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_is_short_and_flat() {
        assert_eq!(plain("  a\r\nb\u{1b}[31mc  ", 20), "a  b [31mc");
        assert_eq!(plain("äöüß", 3), "äöü…");
    }

    #[test]
    fn every_code_is_in_the_list() {
        let (model, instance, message) = (String::new, String::new, String::new);
        let all = [
            ModelError::NoModel {
                wanted: vec![],
                why: Absence::Unknown,
            },
            ModelError::Unsupported("see"),
            ModelError::QueueFull {
                retry_after: Duration::ZERO,
            },
            ModelError::QueueTimeout,
            ModelError::Unreachable {
                model: model(),
                instance: instance(),
            },
            ModelError::ModelMissing { model: model() },
            ModelError::Refused {
                status: 500,
                message: message(),
            },
            ModelError::RateLimited { retry_after: None },
            ModelError::FirstTokenTimeout,
            ModelError::IdleTimeout,
            ModelError::Interrupted,
            ModelError::Malformed,
            ModelError::ModelReported(message()),
            ModelError::RequestTooLarge,
        ];
        assert_eq!(all.map(|error| error.code()), ModelError::CODES);
    }

    #[test]
    fn a_bad_request_is_not_tried_again_but_a_broken_server_is() {
        let refused = |status| ModelError::Refused {
            status,
            message: String::new(),
        };
        assert!(!refused(400).is_retryable());
        assert!(!refused(413).is_retryable());
        assert!(refused(302).is_retryable());
        assert!(refused(401).is_retryable());
        assert!(refused(404).is_retryable());
        assert!(refused(503).is_retryable());
        assert!(ModelError::Interrupted.is_retryable());
        assert!(
            !ModelError::NoModel {
                wanted: vec![],
                why: Absence::Unknown
            }
            .is_retryable()
        );
    }

    #[test]
    fn the_words_say_when_to_come_back() {
        let busy = ModelError::RateLimited {
            retry_after: Some(Duration::from_secs(7)),
        };
        assert_eq!(
            busy.to_string(),
            "the model server is busy; try again in 7 s"
        );
        assert_eq!(busy.code(), "rate_limited");
    }
}
