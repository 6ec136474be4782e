//! What the product does, one folder a feature.

pub mod chat;

#[cfg(feature = "ssr")]
pub mod home;
