//! The corner of the person who is signed in.

use leptos::prelude::*;

use crate::features::chat::view::Viewer;
use crate::layout::theme::Theme;
use crate::ui::theme_choice::ThemeChoice;
use crate::ui::{Icon, IconName};

/// Name, theme, profile, sign out.
#[component]
pub fn Account(
    /// Who is signed in.
    viewer: Viewer,
    /// The page has a sheet of shortcuts.
    #[prop(optional)]
    shortcuts: bool,
) -> impl IntoView {
    let name = if viewer.name.trim().is_empty() {
        viewer.username
    } else {
        viewer.name
    };
    let shortcuts = shortcuts.then(|| {
        view! {
            <button class="row desktop-only" type="button" popovertarget="shortcuts">
                <Icon name=IconName::Keyboard/>
                "Keyboard shortcuts"
            </button>
        }
    });
    let sections = viewer
        .sections
        .into_iter()
        .map(|(href, name)| view! { <a class="row" href=href>{name}</a> })
        .collect_view();
    view! {
        <details class="account">
            <summary>
                <Icon name=IconName::UserRound/>
                <span class="account-name">{name}</span>
                <Icon name=IconName::ChevronDown/>
            </summary>
            <div class="account-menu">
                {viewer.email.map(|email| view! { <p class="account-mail">{email}</p> })}
                <ThemeChoice>
                    {theme_form()}
                </ThemeChoice>
                {sections}
                <a class="row" href="/account/profile">
                    <Icon name=IconName::UserRound/>
                    "Profile and password"
                </a>
                {shortcuts}
                <form method="post" action="/auth/logout">
                    <button class="row">
                        <Icon name=IconName::LogOut/>
                        "Sign out"
                    </button>
                </form>
            </div>
        </details>
    }
    .into_any()
}

/// The three themes as one form.
fn theme_form() -> impl IntoView {
    let current = Theme::current();
    let buttons = [
        (Theme::System, "As the system", IconName::Monitor),
        (Theme::Light, "Light", IconName::Sun),
        (Theme::Dark, "Dark", IconName::Moon),
    ]
    .map(|(theme, label, icon)| {
        view! {
            <button
                name="theme"
                value=theme.as_str()
                aria-pressed=if theme == current { "true" } else { "false" }
                title=label
            >
                <Icon name=icon/>
                <span class="sr-only">{label}</span>
            </button>
        }
    })
    .collect_view();
    view! {
        <form class="theme" method="post" action="/theme" role="group" aria-label="Theme">
            <span aria-hidden="true">"Theme"</span>
            <div class="theme-buttons">{buttons}</div>
        </form>
    }
}
