//! The sign of an agent.

use leptos::prelude::*;

use super::hue;

/// A square in the agent's hue with its initial. Its name stands beside it, so it is
/// hidden from screen readers.
#[component]
pub fn Avatar<'a>(
    /// The name whose first letter is shown.
    name: &'a str,
    /// What the hue comes from.
    slug: &'a str,
    /// Larger, for the empty page.
    #[prop(optional)]
    large: bool,
) -> impl IntoView + use<> {
    let initial = name
        .chars()
        .find(|c| c.is_alphanumeric())
        .map_or_else(|| "·".to_owned(), |c| c.to_uppercase().collect::<String>());
    let class = if large {
        "avatar avatar-large"
    } else {
        "avatar"
    };
    view! {
        <span class=class style=format!("--hue:{}", hue(slug)) aria-hidden="true">{initial}</span>
    }
}
