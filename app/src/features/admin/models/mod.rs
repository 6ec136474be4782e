//! The models: how each instance is, and what an operator does with them.

pub mod live;

#[cfg(feature = "ssr")]
pub mod editor;
#[cfg(feature = "ssr")]
pub mod form;
#[cfg(feature = "ssr")]
pub mod page;
#[cfg(feature = "ssr")]
pub mod submit;
#[cfg(feature = "ssr")]
mod table;

#[cfg(feature = "ssr")]
pub use {
    editor::{EditModelRoute, NewModelRoute},
    page::ModelsRoute,
};
