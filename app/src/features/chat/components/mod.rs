//! The pieces of the chat page. Only `live` also runs in the browser; all else is HTML
//! that the server writes.

pub mod live;
mod naming;
mod waiting;

#[cfg(feature = "ssr")]
mod answer_error;
#[cfg(feature = "ssr")]
mod answer_foot;
#[cfg(feature = "ssr")]
pub mod bar;
#[cfg(feature = "ssr")]
pub mod composer;
#[cfg(feature = "ssr")]
pub mod empty;
#[cfg(feature = "ssr")]
pub mod entry;
#[cfg(feature = "ssr")]
pub mod flash;
#[cfg(feature = "ssr")]
pub mod message;
#[cfg(feature = "ssr")]
pub mod rail;
#[cfg(feature = "ssr")]
pub mod shortcuts;
#[cfg(feature = "ssr")]
pub mod thread;

#[cfg(feature = "ssr")]
pub(crate) use self::answer_error::explain;
#[cfg(feature = "ssr")]
pub use self::{
    bar::Bar, composer::Composer, flash::Flash, message::render_foot, message::render_messages,
    rail::Rail, shortcuts::Shortcuts, thread::Thread,
};
