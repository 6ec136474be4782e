//! The agent dashboard: a roster, and for each agent what it is, its versions, its numbers.

pub mod server_fns;

#[cfg(feature = "ssr")]
pub mod editor;
#[cfg(feature = "ssr")]
pub mod fields;
#[cfg(feature = "ssr")]
pub mod form;
#[cfg(feature = "ssr")]
pub mod frame;
#[cfg(feature = "ssr")]
mod handlers;
#[cfg(feature = "ssr")]
pub mod import;
#[cfg(feature = "ssr")]
pub mod numbers;
#[cfg(feature = "ssr")]
pub mod playground;
#[cfg(feature = "ssr")]
pub mod roster;
#[cfg(feature = "ssr")]
pub mod submit;
#[cfg(feature = "ssr")]
pub mod versions;

#[cfg(feature = "ssr")]
pub use {
    editor::{EditRoute, NewRoute},
    import::ImportRoute,
    numbers::NumbersRoute,
    roster::RosterRoute,
    versions::VersionsRoute,
};
