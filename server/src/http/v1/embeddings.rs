//! `POST /v1/embeddings`

use axum::{extract::State, http::HeaderMap, response::Response};
use bytes::Bytes;
use onelastai_app::state::AppState;
use onelastai_openai::{EmbeddingList, EmbeddingsRequest, ErrorBody, parse};

use super::{caller::Caller, error::Failure, idempotency::once, reply::Reply};

/// Make vectors of texts
#[utoipa::path(
    post, path = "/v1/embeddings", tag = "Embeddings", operation_id = "createEmbedding",
    request_body = EmbeddingsRequest,
    responses(
        (status = 200, description = "One vector for each text, in order", body = EmbeddingList),
        (status = "4XX", description = "What has to change", body = ErrorBody),
        (status = "5XX", description = "No model answers", body = ErrorBody),
    ),
)]
pub(super) async fn create(
    State(state): State<AppState>,
    Caller(caller, _): Caller,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Failure> {
    let request: EmbeddingsRequest = parse(&body)?;
    let (gateway, user) = (state.gateway.clone(), caller.user);
    let answering = async move {
        let (model, format) = (request.model.clone(), request.encoding_format);
        let dimensions = request.dimensions;
        let texts = request.texts()?;
        let made = gateway
            .embed(&caller, model.clone(), texts, dimensions)
            .await?;
        let list = EmbeddingList::new(model, made.vectors, format, made.prompt_tokens);
        Ok(Reply::json(&list))
    };
    once(&state, user, &headers, "/v1/embeddings", &body, answering).await
}
