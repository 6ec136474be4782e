//! Models that an operator adds, changes and watches while the servers run.
//!
//! The settings have models too; what is stored here is added to them, or takes the place of the
//! one with the same identifier. Every server of the product reads the stored models when one of
//! them says that something changed, and from time to time, and gives all of them to its router.
//!
//! The story in files: `draft`, `instances` and `check` (what can be said about a model, and what
//! not); `vault` (keys at rest); `rows` and `merge` (what there is); `change`, `drain` and `audit`
//! (what an operator does); `follow` (how servers hear of it); `trial` (a question to an instance).

mod audit;
mod change;
mod check;
mod draft;
mod drain;
mod error;
mod follow;
mod instances;
mod merge;
mod rows;
mod service;
mod trial;
mod vault;

pub use change::KeyChange;
pub use draft::{
    CAPABILITIES, ModelDraft, capabilities_named, capability_names, kind_name, kind_named,
    provider_name, provider_named,
};
pub use error::{FieldError, ModelsError};
pub use instances::{parse_instances, show_instance};
pub use merge::{KeyState, Known, Source};
pub use service::{CHANNEL, ModelService, Operator};
pub use trial::{Answer, Trial};
pub use vault::Vault;
