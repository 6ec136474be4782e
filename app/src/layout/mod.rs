//! What every page has around it.

pub mod account;
#[cfg(test)]
mod contrast;
pub mod desk;
pub mod error_page;
pub mod shell;
pub mod sign_in;
pub mod theme;
#[cfg(feature = "ssr")]
pub mod title;
