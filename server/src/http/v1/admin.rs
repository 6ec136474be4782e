//! `GET /v1/admin/…`: how the server is, for programs of operators.

use axum::{Json, extract::State};
use onelastai_access::Scope;
use onelastai_app::state::AppState;
use onelastai_gateway::require;
use onelastai_model_router::InstanceHealth;
use onelastai_openai::ErrorBody;
use serde::Serialize;
use utoipa::ToSchema;

use super::{caller::Caller, error::Failure};

/// How every instance of every model is.
#[derive(Serialize, ToSchema)]
pub(super) struct Health {
    /// Always `list`.
    object: &'static str,
    /// One for each instance, as `onelastai models health --json` has them.
    #[schema(value_type = Vec<Object>)]
    data: Vec<InstanceHealth>,
}

/// Ask how the models are
///
/// Asks every instance of every model, all at once and within about two seconds. Slots, queue
/// and breaker are those of the server that answers.
#[utoipa::path(
    get, path = "/v1/admin/models", tag = "Administration", operation_id = "listModelHealth",
    responses(
        (status = 200, description = "One entry for each instance", body = Health),
        (status = "4XX", description = "What has to change", body = ErrorBody),
    ),
)]
pub(super) async fn models(
    State(state): State<AppState>,
    Caller(caller, _): Caller,
) -> Result<Json<Health>, Failure> {
    require(&caller, Scope::AdminRead)?;
    Ok(Json(Health {
        object: "list",
        data: state.router.health().await,
    }))
}
