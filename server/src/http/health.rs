//! Liveness and readiness, for whoever runs the process.

use std::time::Duration;

use axum::{Json, extract::State, http::StatusCode};
use onelastai_app::state::AppState;
use serde_json::{Value, json};

/// `GET /health/live`: the process answers.
pub(super) async fn live() -> &'static str {
    "ok\n"
}

/// `GET /health/ready`: the process can serve people, that is, PostgreSQL answers and is
/// up to date. Redis, Keycloak and the models may come and go; what needs them says so.
pub(super) async fn ready(State(state): State<AppState>) -> (StatusCode, Json<Value>) {
    let look = onelastai_db::status(&state.db);
    let (status, database) = match tokio::time::timeout(Duration::from_secs(2), look).await {
        Ok(Ok(migrations)) if migrations.iter().all(|migration| migration.applied) => {
            (StatusCode::OK, "ok")
        }
        Ok(Ok(_)) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "not migrated: onelastai db migrate",
        ),
        Ok(Err(_)) | Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "not reachable"),
    };
    (status, Json(json!({ "database": database })))
}
