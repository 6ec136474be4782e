//! `GET /v1/models`

use axum::{Json, extract::State};
use onelastai_app::state::AppState;
use onelastai_gateway::{GatewayError, Offer};
use onelastai_openai::{ErrorBody, Model, ModelList};

use super::{caller::Caller, error::Failure, extract::Id};

/// List models and agents
///
/// Everything that can be named as `model`: models by their names, agents as `agent/{slug}`.
#[utoipa::path(
    get, path = "/v1/models", tag = "Models", operation_id = "listModels",
    responses(
        (status = 200, description = "Models first, then agents", body = ModelList),
        (status = "4XX", description = "What has to change", body = ErrorBody),
    ),
)]
pub(super) async fn list(
    State(state): State<AppState>,
    Caller(caller, _): Caller,
) -> Result<Json<ModelList>, Failure> {
    let offers = state.gateway.offers(&caller).await?;
    let models: Vec<_> = offers.into_iter().map(model).collect();
    Ok(Json(models.into()))
}

/// Look at one model or agent
#[utoipa::path(
    get, path = "/v1/models/{*id}", tag = "Models", operation_id = "retrieveModel",
    params(("id" = String, Path, description = "A model's name, or `agent/{slug}`")),
    responses(
        (status = 200, description = "The model or agent", body = Model),
        (status = 404, description = "There is none of that name, or not for this caller", body = ErrorBody),
    ),
)]
pub(super) async fn get(
    State(state): State<AppState>,
    Caller(caller, _): Caller,
    Id(id): Id,
) -> Result<Json<Model>, Failure> {
    let offers = state.gateway.offers(&caller).await?;
    let offer = offers.into_iter().find(|offer| offer.id == id);
    let offer = offer.ok_or(GatewayError::NotFound(id))?;
    Ok(Json(model(offer)))
}

fn model(offer: Offer) -> Model {
    Model {
        id: offer.id,
        object: "model",
        created: 0,
        owned_by: if offer.is_agent {
            "onelastai-agents"
        } else {
            "onelastai"
        },
        name: offer.name,
        description: offer.description,
        context_length: offer.context_length,
    }
}
