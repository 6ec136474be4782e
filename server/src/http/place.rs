//! Which host a request came to, and what that host answers.

use axum::{
    extract::{Request, State},
    http::{Method, StatusCode},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use onelastai_app::{place::Place, state::AppState};

use super::error;

/// What an agent's own host has besides the site's files: its chat. Everything else is the
/// main host's alone, so that a page of an agent can't manage anything.
fn belongs_to_agents(path: &str) -> bool {
    const EXACT: [&str; 5] = ["/", "/chat", "/theme", "/auth/logout", "/account/profile"];
    const CHAT: [&str; 6] = [
        "send_message",
        "answer_again",
        "stop_answer",
        "rename_conversation",
        "delete_conversation",
        "restore_conversation",
    ];
    EXACT.contains(&path)
        || path.starts_with("/chat/")
        || path.starts_with("/api/generations/")
        || path
            .strip_prefix("/api/fn/")
            .is_some_and(|name| CHAT.contains(&name))
}

/// Notes the host of a request for everything after it. One that isn't ours gets nothing: a
/// page under a foreign name would be a gift to whoever owns the name (DNS rebinding).
pub(super) async fn note(
    State(state): State<AppState>,
    mut request: Request,
    next: Next,
) -> Response {
    match state.places.of_request(request.uri(), request.headers()) {
        Some(place) => {
            request.extensions_mut().insert(place);
            next.run(request).await
        }
        None => error::page(
            &state.leptos_options,
            StatusCode::MISDIRECTED_REQUEST,
            "Not under this name",
            &format!(
                "This server is at {}. If you run it, set BASE_URL to the address you use.",
                state.places.origin(&Place::Main)
            ),
        ),
    }
}

/// Sends whoever looks for a page of the main host on an agent's to the main host.
pub(super) async fn main_only(
    State(state): State<AppState>,
    request: Request,
    next: Next,
) -> Response {
    let agent = matches!(request.extensions().get(), Some(Place::Agent(_)));
    let path = request.uri().path();
    if !agent || belongs_to_agents(path) {
        return next.run(request).await;
    }
    if *request.method() == Method::GET && !path.starts_with("/auth/") {
        let path = request.uri().path_and_query().map_or("/", |it| it.as_str());
        return Redirect::to(&state.places.address(&Place::Main, path)).into_response();
    }
    error::not_found(&state.leptos_options)
}

#[cfg(test)]
mod tests {
    use super::belongs_to_agents;

    #[test]
    fn an_agent_has_its_chat_and_nothing_else() {
        for path in [
            "/",
            "/chat",
            "/chat/1",
            "/api/fn/send_message",
            "/auth/logout",
        ] {
            assert!(belongs_to_agents(path), "{path}");
        }
        for path in [
            "/agents",
            "/admin/audit",
            "/account",
            "/api/fn/save_agent",
            "/api/fn/send_message/x",
            "/auth/callback",
            "/auth/login",
            "/open/chef",
            "/chatter",
        ] {
            assert!(!belongs_to_agents(path), "{path}");
        }
    }
}
