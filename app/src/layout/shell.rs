//! The document around every page.

use axum::http::request::Parts;
use leptos::config::LeptosOptions;
use leptos::html::meta;
use leptos::nonce::use_nonce;
use leptos::prelude::*;
use leptos_meta::{HashedStylesheet, MetaTags};

use super::theme::Theme;
use crate::place::Place;
use crate::routes::App;
use crate::session::place_of;

/// What search engines and link previews say.
const DESCRIPTION: &str =
    "A chat with AI agents that runs on your own server and answers with your own models.";

/// The whole HTML document. Pages without islands load no script at all.
#[must_use]
pub fn shell(options: LeptosOptions) -> impl IntoView {
    let theme = Theme::current();
    let alive = use_context::<Parts>().is_some_and(|parts| {
        let path = parts.uri.path();
        let at_agent = place_of(&parts) != Place::Main;
        path == "/chat"
            || path == "/admin/models"
            || path.starts_with("/chat/")
            || (path == "/" && at_agent)
    });
    let scripts = alive.then(|| {
        view! {
            <AutoReload options=options.clone()/>
            <HydrationScripts options=options.clone() islands=true/>
        }
    });
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=theme.attribute()>
            <head>
                <meta charset="utf-8"/>
                <meta
                    name="viewport"
                    content="width=device-width, initial-scale=1, interactive-widget=resizes-content"
                />
                <meta name="description" content=DESCRIPTION/>
                {theme_colors(theme)}
                <link
                    rel="preload"
                    href="/fonts/schibsted-grotesk-latin.woff2"
                    r#as="font"
                    r#type="font/woff2"
                    crossorigin=""
                />
                <HashedStylesheet options=options/>
                <link rel="icon" href="/favicon.svg" r#type="image/svg+xml"/>
                {scripts}
                <MetaTags/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
}

/// The colour of the browser's own frame: the page's ground (`--surface-1`) as sRGB.
fn theme_colors(theme: Theme) -> impl IntoView {
    // `view!` does not know `media` on `<meta>`.
    let color = |other: Theme, color: &'static str, media: &'static str| {
        (theme != other).then(|| {
            let media = (theme == Theme::System).then_some(media);
            meta()
                .name("theme-color")
                .content(color)
                .attr("media", media)
        })
    };
    (
        color(Theme::Dark, "#f9fcfb", "(prefers-color-scheme: light)"),
        color(Theme::Light, "#0f1718", "(prefers-color-scheme: dark)"),
    )
}

/// The content security policy of the page that is being rendered: it allows the page's
/// own inline scripts by their nonce, and nothing else that is not from this server. Forms
/// may also end at `others` (origins): signing out goes on to Keycloak and ends at the main
/// host, and browsers hold a form's redirects to the policy too.
#[must_use]
pub fn content_security_policy(others: &str) -> String {
    let nonce = use_nonce().map_or_else(String::new, |nonce| format!(" 'nonce-{nonce}'"));
    format!(
        "default-src 'self'; script-src 'self'{nonce} 'wasm-unsafe-eval'; \
         style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; \
         base-uri 'none'; form-action 'self' {others}; frame-ancestors 'none'"
    )
}
