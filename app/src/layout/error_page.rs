//! Pages for what went wrong: what it is, and what to do next.

use axum::http::StatusCode;
use leptos::prelude::*;
use leptos::server_fn::error::ServerFnUrlError;
use leptos_axum::ResponseOptions;
use leptos_router::hooks::use_query_map;

use super::theme::Theme;
use crate::error::AppError;
use crate::layout::title::PageTitle;
use crate::ui::Logo;

/// A way on.
struct Next {
    /// Where it leads.
    href: &'static str,
    /// What it is called.
    label: &'static str,
}

/// What an error page says for `status`, and where to go from there: to the `chats`, unless
/// whoever looks may not use them.
fn words(status: u16, chats: bool) -> (&'static str, Next) {
    let chat = if chats {
        Next {
            href: "/chat",
            label: "Go to your chats",
        }
    } else {
        Next {
            href: "/account",
            label: "Go to your account",
        }
    };
    let again = Next {
        href: "",
        label: "Try again",
    };
    match status {
        401 => (
            "Your session has ended",
            Next {
                href: "/auth/login",
                label: "Sign in",
            },
        ),
        403 => ("This isn't for your account", chat),
        404 => ("Nothing here", chat),
        503 => ("Not just now", again),
        500.. => ("That's our fault", again),
        _ => ("That didn't work", chat),
    }
}

/// The body of an error page.
#[component]
pub fn ErrorPage(
    /// The HTTP status, also shown.
    status: u16,
    /// What happened, and what the person can do.
    #[prop(into)]
    text: String,
    /// Instead of the title that belongs to the status.
    #[prop(optional, into)]
    title: Option<String>,
    /// Whoever looks has no chats to go to.
    #[prop(optional)]
    without_chat: bool,
) -> impl IntoView {
    let (usual, next) = words(status, !without_chat);
    let title = title.unwrap_or_else(|| usual.to_owned());
    view! {
        <main class="plain-page">
            <a class="home-link" href="/" aria-label="OneLastAI, home"><Logo/></a>
            <div class="plain-body">
                <p class="status-number">{status}</p>
                <h1>{title}</h1>
                <p class="lead">{text}</p>
                <p><a class="button" href=next.href>{next.label}</a></p>
            </div>
        </main>
    }
}

/// What `error` looks like when it takes the whole page; also sets the status.
#[component]
pub fn AppErrorPage<'a>(
    /// What happened.
    error: &'a AppError,
) -> impl IntoView + use<> {
    let status = error.status();
    set_status(status);
    let without_chat = *error == AppError::NoChat;
    view! {
        <PageTitle text=words(status, !without_chat).0/>
        <ErrorPage status=status text=error.to_string() without_chat=without_chat/>
    }
}

/// [`AppErrorPage`] of any error, where a page can't be shown.
#[must_use]
pub fn error_view(error: impl Into<AppError>) -> AnyView {
    let error = error.into();
    view! { <AppErrorPage error=&error/> }.into_any()
}

/// What the plain form that led back to this page came to, if it was an error.
#[must_use]
pub fn form_error() -> Option<AppError> {
    let error = use_query_map().get_untracked().get("__err")?;
    Some(ServerFnUrlError::decode_err(&error))
}

/// No page has this address.
#[component]
pub fn NotFoundPage() -> impl IntoView {
    view! { <AppErrorPage error=&AppError::NotFound/> }
}

/// Gives the response its status; nothing happens where there is no response (tests).
fn set_status(status: u16) {
    if let (Some(response), Ok(status)) = (
        use_context::<ResponseOptions>(),
        StatusCode::from_u16(status),
    ) {
        response.set_status(status);
    }
}

/// A whole document for handlers outside the pages: `text` says what happened and what to
/// do, `stylesheet` is the address of the product's.
#[must_use]
pub fn error_page_html(status: u16, title: &str, text: &str, stylesheet: &str) -> String {
    let theme = Theme::current();
    let head = format!("{title} · OneLastAI");
    let page = view! {
        <html lang="en" data-theme=theme.attribute()>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <title>{head}</title>
                <link rel="stylesheet" href=stylesheet.to_owned()/>
                <link rel="icon" href="/favicon.svg" r#type="image/svg+xml"/>
            </head>
            <body>
                <ErrorPage status=status text=text title=title/>
            </body>
        </html>
    };
    format!("<!DOCTYPE html>{}", page.to_html())
}

#[cfg(test)]
mod tests {
    use super::error_page_html;

    #[test]
    fn text_from_elsewhere_stays_text() {
        let html = error_page_html(503, "Away", "<script>alert(1)</script>", "/pkg/x.css");
        assert!(html.starts_with("<!DOCTYPE html><html"));
        assert!(html.contains("&lt;script&gt;alert(1)"));
        assert!(html.contains("Try again"));
    }
}
