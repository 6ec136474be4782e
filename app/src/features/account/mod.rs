//! One's own account: where one is signed in.

pub mod server_fns;

#[cfg(feature = "ssr")]
mod handlers;
#[cfg(feature = "ssr")]
pub mod page;
#[cfg(feature = "ssr")]
pub mod sessions;
