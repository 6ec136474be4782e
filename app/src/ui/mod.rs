//! Pieces of the interface that know nothing of what the product does.

pub mod browser;
pub mod theme_choice;

#[cfg(feature = "ssr")]
mod amount;
#[cfg(feature = "ssr")]
pub mod avatar;
#[cfg(feature = "ssr")]
pub mod chart;
#[cfg(feature = "ssr")]
mod diff;
#[cfg(feature = "ssr")]
mod hue;
#[cfg(feature = "ssr")]
pub mod icon;
#[cfg(feature = "ssr")]
pub mod logo;
#[cfg(feature = "ssr")]
pub mod raw_text;
#[cfg(feature = "ssr")]
pub mod time;

#[cfg(feature = "ssr")]
pub use self::{
    amount::{count, in_time},
    avatar::AgentAvatar,
    diff::diff,
    hue::hue,
    icon::{Icon, IconName, IconSprite},
    logo::{Logo, Mark},
    time::{MessageTime, Moment, seconds},
};
