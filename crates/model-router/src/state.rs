//! How instances are, told to others: as a snapshot, and as it changes.

use serde::Serialize;
use url::Url;

/// Whether an instance is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// It is.
    #[default]
    Well,
    /// It failed, or a check found it unusable; others are asked in its place, if there are any.
    Ejected,
    /// One request is under way that shows whether it is well again.
    Probing,
}

impl Health {
    /// The name to store and to show to programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Well => "well",
            Self::Ejected => "ejected",
            Self::Probing => "probing",
        }
    }
}

/// An instance whose health changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HealthChange {
    /// Our identifier of the model.
    pub model_id: String,
    /// The instance's address, without credentials.
    pub instance: Url,
    /// How it was.
    pub from: Health,
    /// How it is.
    pub to: Health,
    /// The code of what went wrong last, if something did.
    pub error: Option<&'static str>,
}

/// One instance of one model, as this router sees it, without asking it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InstanceState {
    /// Our identifier of the model.
    pub model_id: String,
    /// Its name for people.
    pub display_name: String,
    /// The instance's address, without credentials.
    pub instance: Url,
    /// Whether it is asked.
    pub health: Health,
    /// Failures one after the other, up to now.
    pub failures: u32,
    /// How long it is passed over from now on, in milliseconds, if it is.
    pub ejected_for_ms: Option<u64>,
    /// Answers under way through this router.
    pub in_flight: u32,
    /// How many it gives at once.
    pub slots: u32,
    /// How much of the work it gets, compared with the others.
    pub weight: u32,
    /// Requests that wait for its model.
    pub queue_length: usize,
    /// The moving average of the time to the first token, in milliseconds.
    pub first_token_ms: Option<u64>,
    /// The code of what went wrong last.
    pub last_error: Option<&'static str>,
    /// It gets no new requests, since an operator wants it so.
    pub draining: bool,
    /// What the last check found.
    pub last_check: Option<LastCheck>,
}

/// What a check of an instance found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LastCheck {
    /// How long ago, in milliseconds.
    pub ago_ms: u64,
    /// Whether the engine answers there.
    pub reachable: bool,
    /// Whether it has the model.
    pub model_present: bool,
    /// Whether the model is in memory.
    pub loaded: bool,
    /// The engine's version.
    pub version: Option<String>,
    /// How long the engine took to answer, in milliseconds.
    pub latency_ms: Option<u64>,
    /// What is wrong, in words for the operator.
    pub error: Option<String>,
}
