//! The events of answers while they are made, and a little longer.

mod hub;
mod log;
mod mirror;

pub(crate) use hub::{Hub, Live};
pub use log::Log;
pub use mirror::RedisMirror;
