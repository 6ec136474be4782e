//! `POST /v1/embeddings`

use axum::{Extension, extract::State, http::HeaderMap, response::Response};
use onelastai_access::Scope;
use onelastai_app::state::AppState;
use onelastai_gateway::require;
use onelastai_openai::{EmbeddingList, EmbeddingsRequest, ErrorBody, parse};

use super::{
    caller::Caller, calls::Calls, error::Failure, extract::Body, idempotency::once, reply::Reply,
};

/// Make vectors of texts
#[utoipa::path(
    post, path = "/v1/embeddings", tag = "Embeddings", operation_id = "createEmbedding",
    request_body = EmbeddingsRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "Names the request: sent again with the same key, it is answered once.")),
    responses(
        (status = 200, description = "One vector for each text, in order", body = EmbeddingList),
        (status = "4XX", description = "What has to change", body = ErrorBody),
        (status = "5XX", description = "No model answers", body = ErrorBody),
    ),
)]
pub(super) async fn create(
    State(state): State<AppState>,
    Extension(calls): Extension<Calls>,
    Caller(caller, _): Caller,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Failure> {
    require(&caller, Scope::EmbeddingsWrite)?;
    let request: EmbeddingsRequest = parse(&body)?;
    let (gateway, user) = (state.gateway.clone(), caller.user);
    let answering = async move {
        let (model, format) = (request.model.clone(), request.encoding_format);
        let dimensions = request.dimensions;
        let texts = request.texts()?;
        let made = gateway
            .embed(&caller, model.clone(), texts, dimensions)
            .await?;
        let embeddings = made.embeddings;
        let list = EmbeddingList::new(model, embeddings.vectors, format, embeddings.prompt_tokens);
        Ok(Reply::json(&list).of(made.id, made.rates))
    };
    let path = "/v1/embeddings";
    once(&state, &calls, user, &headers, path, &body, answering).await
}
