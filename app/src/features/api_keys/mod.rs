//! One's own API keys: a list, a form for a new one, each with its page.

pub mod server_fns;

#[cfg(feature = "ssr")]
pub mod editor;
#[cfg(feature = "ssr")]
pub mod form;
#[cfg(feature = "ssr")]
mod handlers;
#[cfg(feature = "ssr")]
pub mod list;
#[cfg(feature = "ssr")]
pub mod one;
#[cfg(feature = "ssr")]
mod shown;
#[cfg(feature = "ssr")]
pub mod submit;
#[cfg(feature = "ssr")]
mod words;

#[cfg(feature = "ssr")]
pub use {editor::NewKeyRoute, list::KeysRoute, one::KeyRoute};
