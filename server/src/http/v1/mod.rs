//! `/v1`: the API for programs, in the words of OpenAI's. Callers bring an API key or an
//! access token of Keycloak; cookies count for nothing here.
//!
//! A handler parses, asks the gateway or the chat, and writes the answer ([`reply`], and
//! [`answer`] piece by piece); every error becomes a response in one place ([`error`]). What
//! holds for all calls is in [`front`] and [`calls`].

mod admin;
mod answer;
mod caller;
mod calls;
mod chat;
mod conversation_types;
mod conversations;
mod embeddings;
mod error;
mod extract;
mod front;
mod idempotency;
mod kept_responses;
mod models;
mod openapi;
mod pieces;
mod reply;
mod responses;
mod watched;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{any, get},
};
use onelastai_app::state::AppState;
use utoipa_axum::{router::OpenApiRouter, routes};

pub use calls::{CallSettings, Calls};

pub(in crate::http) use openapi::document;

/// The largest body: a conversation with pictures in it.
const MAX_BODY: usize = 20 << 20;

/// Every address of the API, and its description.
pub(super) fn routes() -> (Router<AppState>, utoipa::openapi::OpenApi) {
    let (api, description) = OpenApiRouter::with_openapi(openapi::base())
        .routes(routes!(chat::create))
        .routes(routes!(responses::create))
        .routes(routes!(kept_responses::read, kept_responses::delete))
        .routes(routes!(kept_responses::input_items))
        .routes(routes!(embeddings::create))
        .routes(routes!(models::list))
        .routes(routes!(models::get))
        .routes(routes!(conversations::list, conversations::create))
        .routes(routes!(
            conversations::read,
            conversations::rename,
            conversations::delete
        ))
        .routes(routes!(conversations::say))
        .routes(routes!(admin::models))
        .split_for_parts();
    let router = api
        .route("/v1", any(error::no_such_address))
        .route("/v1/", any(error::no_such_address))
        .route("/v1/{*nothing}", any(error::no_such_address))
        .method_not_allowed_fallback(error::no_such_method)
        .layer(DefaultBodyLimit::max(MAX_BODY));
    (router, description)
}

/// `/openapi.json`, and everything below `/v1`, which `calls` looks after.
pub(super) fn router(calls: &Calls) -> Router<AppState> {
    let (api, _) = routes();
    Router::new()
        .route("/openapi.json", get(openapi::json))
        .merge(front::front(api, calls))
}
