//! The names of what ends an answer too early, besides what goes wrong with models
//! ([`ModelError::code`](onelastai_model_router::ModelError::code)).

/// The answer became longer than any may be.
pub(crate) const ANSWER_TOO_LONG: &str = "answer_too_long";
/// What was asked could not be read.
pub(crate) const DATABASE: &str = "database";
/// Its server was told to end.
pub(crate) const SHUTDOWN: &str = "shutdown";
/// Its server went away without a word.
pub(crate) const SERVER_LOST: &str = "server_lost";
/// Its server was silent for so long that another one took it over.
pub(crate) const LEASE_LOST: &str = "lease_lost";

/// The stable names of all that ends an answer too early, besides a model's errors.
pub const CODES: [&str; 5] = [ANSWER_TOO_LONG, DATABASE, SHUTDOWN, SERVER_LOST, LEASE_LOST];
