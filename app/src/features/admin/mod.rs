//! Administration: who has an account, who did what, and how the models are.

pub mod models;
pub mod server_fns;

#[cfg(feature = "ssr")]
pub mod audit;
#[cfg(feature = "ssr")]
pub mod entry;
#[cfg(feature = "ssr")]
mod handlers;
#[cfg(feature = "ssr")]
pub mod user;
#[cfg(feature = "ssr")]
pub mod users;
