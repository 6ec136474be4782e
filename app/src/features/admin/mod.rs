//! Administration: who has an account, and who did what.

pub mod server_fns;

#[cfg(feature = "ssr")]
pub mod audit;
#[cfg(feature = "ssr")]
mod handlers;
#[cfg(feature = "ssr")]
pub mod user;
#[cfg(feature = "ssr")]
pub mod users;
