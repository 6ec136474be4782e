//! Pages and server functions, rendered by Leptos.

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, header, request::Parts},
    response::IntoResponse,
};
use leptos::prelude::*;
use leptos_axum::{LeptosRoutes, ResponseOptions, generate_route_list};
use onelastai_app::{App, layout::shell::content_security_policy, shell, state::AppState};

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

fn provide(state: &AppState) {
    provide_context(state.clone());
    let (Some(response), Some(_)) = (use_context::<ResponseOptions>(), use_context::<Parts>())
    else {
        return; // While the routes are listed there is no request.
    };
    let sign_in = state.identity.settings().url.origin().ascii_serialization();
    if let Ok(policy) = HeaderValue::from_str(&content_security_policy(&sign_in)) {
        response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
    }
    // What a page shows is one person's.
    response.insert_header(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, no-cache"),
    );
}
