//! One's own account: what one has left, and where one is signed in.

pub mod server_fns;

#[cfg(feature = "ssr")]
mod handlers;
#[cfg(feature = "ssr")]
pub mod page;
#[cfg(feature = "ssr")]
pub mod sessions;
#[cfg(feature = "ssr")]
pub mod usage;
