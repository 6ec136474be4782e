//! The server's front: routes, and what holds for all of them.

mod account;
mod agents;
mod assets;
mod audit;
mod auth;
pub mod client;
mod cookies;
mod entrance;
mod error;
mod events;
mod form;
mod guard;
mod health;
mod keys;
mod listen;
pub mod metrics;
mod models;
mod pages;
mod place;
mod v1;

use std::{sync::LazyLock, time::Duration};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::StatusCode,
    middleware,
    routing::{get, post},
};
pub use listen::{ListenSettings, serve};
use onelastai_app::state::AppState;
use serde_json::Value;
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::{CompressionLayer, CompressionLevel},
    timeout::TimeoutLayer,
    trace::TraceLayer,
};
pub use v1::{CallSettings, Calls};

/// The largest body of a request: a message has at most 32,000 characters.
const MAX_BODY: usize = 256 * 1024;
/// How long a request may take, except for event streams.
const PATIENCE: Duration = Duration::from_secs(30);

/// The API's description (OpenAPI 3.1).
pub fn description() -> &'static Value {
    static DESCRIPTION: LazyLock<Value> =
        LazyLock::new(|| serde_json::to_value(v1::document()).unwrap_or_default());
    &DESCRIPTION
}

/// Every address of the product.
pub fn router(state: AppState) -> Router {
    router_with(state, &Calls::new(CallSettings::default()))
}

/// The same, with the calls of the API in the hands of whoever stops the server.
pub fn router_with(state: AppState, api: &Calls) -> Router {
    let plain = Router::new()
        .route("/auth/login", get(auth::login))
        .route("/auth/callback", get(auth::callback))
        .route("/auth/logout", post(auth::logout))
        .route("/open/{slug}", get(entrance::open))
        .route("/account/profile", get(account::profile))
        .route("/theme", post(account::theme))
        .route("/api/fn/{*function}", post(pages::server_function))
        .merge(pages::routes(&state))
        .route("/agents/new", post(agents::create))
        .route(
            "/agents/import",
            post(agents::import).layer(DefaultBodyLimit::max(form::MAX_UPLOAD)),
        )
        .route("/agents/{slug}", post(agents::update))
        .route("/agents/{slug}/export.json", get(agents::export))
        .route("/account/keys/new", post(keys::create))
        .route("/account/keys/{id}", post(keys::rotate))
        .route("/admin/audit/{file}", get(audit::export))
        .route("/admin/models", post(models::act))
        .route("/admin/models/new", post(models::add))
        .route("/admin/models/{id}", post(models::change))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            PATIENCE,
        ))
        // Level 4 costs little and pages are small; files are compressed when built.
        .layer(CompressionLayer::new().quality(CompressionLevel::Precise(4)));
    let streams = Router::new().route("/api/generations/{id}/events", get(events::events));
    // Keycloak calls this, not a browser: its token is what proves where it comes from.
    let calls = Router::new().route("/auth/backchannel-logout", post(auth::back_channel_logout));
    let health = Router::new()
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready));
    plain
        .merge(streams)
        .layer(middleware::from_fn_with_state(
            state.clone(),
            entrance::enter,
        ))
        .layer(middleware::from_fn_with_state(
            state.clone(),
            place::main_only,
        ))
        .layer(middleware::from_fn_with_state(
            state.clone(),
            guard::same_origin,
        ))
        .layer(middleware::from_fn_with_state(state.clone(), place::note))
        .merge(health)
        .merge(calls)
        .merge(v1::router(api))
        .fallback_service(assets::files(&state))
        .layer(middleware::from_fn(guard::security_headers))
        .layer(middleware::from_fn(guard::retry_after))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(CatchPanicLayer::new())
        .layer(TraceLayer::new_for_http())
        .with_state(state)
}
