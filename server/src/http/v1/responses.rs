//! `POST /v1/responses`

use std::sync::Arc;

use axum::{extract::State, http::HeaderMap, response::Response as HttpResponse};
use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt, stream};
use onelastai_access::ApiCaller;
use onelastai_app::state::AppState;
use onelastai_gateway::Metered;
use onelastai_model_router::{ChatEvent, ModelError};
use onelastai_openai::{
    ErrorBody,
    chat::Collected,
    parse,
    responses::{EventEncoder, Outcome, Response, ResponseHead, ResponsesRequest},
};

use super::{
    caller::Caller,
    chat::details,
    error::Failure,
    idempotency::once,
    reply::{Reply, now},
};

/// Ask a model or an agent, in the newer form
///
/// The answer is not kept: `previous_response_id` is not offered.
#[utoipa::path(
    post, path = "/v1/responses", tag = "Chat", operation_id = "createResponse",
    request_body = ResponsesRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "Names the request: sent again with the same key, it is answered once.")),
    responses(
        (status = 200, description = "The answer; with `stream`, server-sent events", body = Response),
        (status = "4XX", description = "What has to change", body = ErrorBody),
        (status = "5XX", description = "No model answers", body = ErrorBody),
    ),
)]
pub(super) async fn create(
    State(state): State<AppState>,
    Caller(caller, _): Caller,
    headers: HeaderMap,
    body: Bytes,
) -> Result<HttpResponse, Failure> {
    let request: ResponsesRequest = parse(&body)?;
    let answering = answer(state.clone(), caller.clone(), request);
    once(
        &state,
        caller.user,
        &headers,
        "/v1/responses",
        &body,
        answering,
    )
    .await
}

async fn answer(
    state: AppState,
    caller: Arc<ApiCaller>,
    request: ResponsesRequest,
) -> Result<Reply, Failure> {
    let streams = request.streams();
    let head = ResponseHead::new(now(), &request);
    let metered = state.gateway.chat(&caller, request.into_router()?).await?;
    let (id, rate) = (metered.id, metered.rate);
    let head = head.named(id.simple().to_string());
    let reply = if streams {
        Reply::events(events(metered, head))
    } else {
        Reply::json(&collect(metered, &head).await?)
    };
    Ok(reply.of(id, rate))
}

async fn collect(mut metered: Metered, head: &ResponseHead) -> Result<Response, Failure> {
    let mut collected = Collected::default();
    while let Some(event) = metered.next().await {
        if let Some(usage) = collected.push(event?) {
            return Ok(head.whole(collected, &usage, Some(details(&metered))));
        }
    }
    Err(ModelError::Interrupted.into())
}

/// The answer as server-sent events.
fn events(metered: Metered, head: ResponseHead) -> impl Stream<Item = Bytes> + Send {
    let mut begun = BytesMut::new();
    let encoder = EventEncoder::new(head, &mut begun);
    let first = stream::once(async move { begun.freeze() });
    let rest = stream::unfold(Some((metered, encoder)), |state| async move {
        let (mut metered, mut encoder) = state?;
        let mut out = BytesMut::new();
        while out.is_empty() {
            let event = metered.next().await;
            match event.unwrap_or(Err(ModelError::Interrupted)) {
                Ok(ChatEvent::Done(usage)) => {
                    let details = details(&metered);
                    encoder.end(Outcome::Done(&usage, Some(details)), &mut out);
                    return Some((out.freeze(), None));
                }
                Ok(event) => encoder.piece(event, &mut out),
                Err(error) => {
                    let error = Failure::from(error).into_error();
                    encoder.end(Outcome::Failed(&error), &mut out);
                    return Some((out.freeze(), None));
                }
            }
        }
        Some((out.freeze(), Some((metered, encoder))))
    });
    first.chain(rest)
}
