//! The web chat.

pub mod components;
pub mod server_fns;
pub mod source;

#[cfg(feature = "ssr")]
mod handlers;
#[cfg(feature = "ssr")]
pub mod load;
#[cfg(feature = "ssr")]
pub mod page;
#[cfg(feature = "ssr")]
pub mod view;
