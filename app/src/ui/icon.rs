//! One set of icons (Lucide), one sprite, only what is used.

use leptos::prelude::*;

/// The sprite; its source keeps the licence note.
const SPRITE: &str = include_str!("icons.svg");

/// Puts the symbols in the page, once, before the first [`Icon`]. In the page rather than
/// in a file of its own: no request, and no icon that comes late.
#[component]
pub fn IconSprite() -> impl IntoView {
    view! { <div hidden inner_html=SPRITE></div> }
}

/// The icons there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is named after its picture")]
pub enum IconName {
    SquarePen,
    Menu,
    ArrowUp,
    Square,
    Copy,
    Ellipsis,
    Trash,
    RotateCcw,
    ChevronDown,
    Sun,
    Moon,
    Monitor,
    LogOut,
    UserRound,
    Keyboard,
    ArrowDown,
    Close,
    Undo,
    TriangleAlert,
    ThumbsUp,
    ThumbsDown,
    ExternalLink,
}

impl IconName {
    /// The symbol's name in the sprite, without its `i-`.
    fn symbol(self) -> &'static str {
        match self {
            Self::SquarePen => "square-pen",
            Self::Menu => "menu",
            Self::ArrowUp => "arrow-up",
            Self::Square => "square",
            Self::Copy => "copy",
            Self::Ellipsis => "ellipsis",
            Self::Trash => "trash-2",
            Self::RotateCcw => "rotate-ccw",
            Self::ChevronDown => "chevron-down",
            Self::Sun => "sun",
            Self::Moon => "moon",
            Self::Monitor => "monitor",
            Self::LogOut => "log-out",
            Self::UserRound => "user-round",
            Self::Keyboard => "keyboard",
            Self::ArrowDown => "arrow-down",
            Self::Close => "x",
            Self::Undo => "undo-2",
            Self::TriangleAlert => "triangle-alert",
            Self::ThumbsUp => "thumbs-up",
            Self::ThumbsDown => "thumbs-down",
            Self::ExternalLink => "external-link",
        }
    }
}

/// A picture beside words, or in a button that has its words elsewhere.
#[component]
pub fn Icon(
    /// Which one.
    name: IconName,
) -> impl IntoView {
    let symbol = format!("<use href=\"#i-{}\"/>", name.symbol());
    view! { <svg class="icon" aria-hidden="true" inner_html=symbol></svg> }
}

#[cfg(test)]
mod tests {
    use super::{IconName::*, SPRITE};

    #[test]
    fn every_icon_is_in_the_sprite() {
        for name in [
            SquarePen,
            Menu,
            ArrowUp,
            Square,
            Copy,
            Ellipsis,
            Trash,
            RotateCcw,
            ChevronDown,
            Sun,
            Moon,
            Monitor,
            LogOut,
            UserRound,
            Keyboard,
            ArrowDown,
            Close,
            Undo,
            TriangleAlert,
            ThumbsUp,
            ThumbsDown,
            ExternalLink,
        ] {
            let id = format!("id=\"i-{}\"", name.symbol());
            assert!(SPRITE.contains(&id), "{id}");
        }
    }
}
