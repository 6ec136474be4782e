//! Pages and server functions, rendered by Leptos.

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use leptos::prelude::*;
use leptos_axum::{LeptosRoutes, ResponseOptions, generate_route_list};
use onelastai_app::{
    App, layout::shell::content_security_policy, place::Place, shell, state::AppState,
};

/// Every page of the app.
pub(super) fn routes(state: &AppState) -> Router<AppState> {
    let context = {
        let state = state.clone();
        move || provide(&state)
    };
    let options = state.leptos_options.clone();
    Router::new().leptos_routes_with_context(state, generate_route_list(App), context, move || {
        shell(options.clone())
    })
}

/// `POST /api/fn/…`: a server function, called by an island or a plain form.
pub(super) async fn server_function(
    State(state): State<AppState>,
    request: Request<Body>,
) -> impl IntoResponse {
    let context = move || provide_context(state.clone());
    leptos_axum::handle_server_fns_with_context(context, request).await
}

/// The page of a form that was not taken, with `answer` for the page to show: what was typed
/// and what is wrong with it.
pub(super) async fn again<T: Clone + Send + Sync + 'static>(
    state: &AppState,
    mut parts: Parts,
    answer: T,
    status: StatusCode,
) -> Response {
    let (state, options) = (state.clone(), state.leptos_options.clone());
    let context = move || {
        provide_context(state.clone());
        provide(&state);
        provide_context(answer.clone());
    };
    parts.method = Method::GET;
    parts.headers.remove(header::CONTENT_TYPE);
    parts.headers.remove(header::CONTENT_LENGTH);
    let request = Request::from_parts(parts, Body::empty());
    let render =
        leptos_axum::render_app_async_with_context(context, move || shell(options.clone()));
    let mut response = render(request).await;
    if response.status().is_success() {
        *response.status_mut() = status;
    }
    response
}

fn provide(state: &AppState) {
    provide_context(state.clone());
    let (Some(response), Some(_)) = (use_context::<ResponseOptions>(), use_context::<Parts>())
    else {
        return; // While the routes are listed there is no request.
    };
    let sign_in = state.identity.settings().url.origin().ascii_serialization();
    let others = format!("{sign_in} {}", state.places.origin(&Place::Main));
    if let Ok(policy) = HeaderValue::from_str(&content_security_policy(&others)) {
        response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
    }
    // What a page shows is one person's.
    response.insert_header(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, no-cache"),
    );
}
