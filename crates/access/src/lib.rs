//! API keys: who calls the API, and what they may do now.
//!
//! A key is shown once and kept as a hash. What it allows is never more than what its owner
//! may do at that moment, as Keycloak says.

mod caller;
mod changes;
mod entry;
mod error;
mod key;
mod rights;
mod scope;
mod service;
mod used;

pub use caller::{ApiCaller, KeyInfo};
pub use error::{AccessError, FieldError, KeyError};
pub use scope::{Scope, Scopes, UnknownScope};
pub use service::{AccessService, Trust};
