//! What the product does, one folder a feature.

pub mod account;
pub mod admin;
pub mod agents;
pub mod api_keys;
pub mod chat;

#[cfg(feature = "ssr")]
pub mod home;
#[cfg(feature = "ssr")]
pub mod reference;
