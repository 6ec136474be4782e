//! The sign of an agent.

use leptos::prelude::*;
use onelastai_agents::{Avatar as Look, Hue, initials};

use super::hue;

/// The sign of an agent as its owner chose it: an emoji, its initials on a hue of its own, or
/// (the plain hue) on the one that its slug gives.
#[component]
pub fn AgentAvatar<'a>(
    /// The name that gives the initials.
    name: &'a str,
    /// What the hue comes from where none was chosen.
    slug: &'a str,
    /// What was chosen.
    avatar: &'a Look,
    /// Larger, for the empty page.
    #[prop(optional)]
    large: bool,
) -> impl IntoView + use<> {
    let class = if large {
        "avatar avatar-large"
    } else {
        "avatar"
    };
    let (text, chosen) = match avatar {
        Look::Emoji(emoji) => ((*emoji).to_owned(), None),
        Look::Hue(Hue::Slate) => (initials(name), None),
        Look::Hue(hue) => (initials(name), Some(hue.as_str())),
    };
    let style = chosen.is_none().then(|| format!("--hue:{}", hue(slug)));
    view! {
        <span class=class style=style data-hue=chosen aria-hidden="true">{text}</span>
    }
}
