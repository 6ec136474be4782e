//! What every page has around it.

#[cfg(test)]
mod contrast;
pub mod error_page;
pub mod shell;
pub mod theme;
#[cfg(feature = "ssr")]
pub mod title;
