//! API keys: who calls the API, and what they may do now.
//!
//! A key is shown once and kept as a hash. What it allows is never more than what its owner
//! may do at that moment, as Keycloak says (`docs/decisions/0010-api-keys.md`).

mod caller;
mod changes;
mod draft;
mod entry;
mod error;
mod key;
mod list;
mod manage;
mod revoke;
mod rights;
mod rotate;
mod scope;
mod service;
mod tries;
mod used;

pub use caller::{ApiCaller, KeyInfo};
pub use draft::{KeyDraft, LONGEST_NAME, network};
pub use error::{AccessError, FieldError, KeyError};
pub use list::{ENDED_DAYS, KeyState, KeySummary, KeyUse};
pub use manage::{MOST_KEYS, NewKey, Owner};
pub use rotate::Overlap;
pub use scope::{Scope, Scopes, UnknownScope};
pub use service::{AccessService, Trust};
pub use sqlx::types::ipnetwork::IpNetwork;
