//! `POST /v1/responses`

use std::sync::Arc;

use axum::{Extension, extract::State, http::HeaderMap, response::Response as HttpResponse};
use bytes::BytesMut;
use futures::{FutureExt, StreamExt};
use onelastai_access::{ApiCaller, Scope};
use onelastai_app::state::AppState;
use onelastai_gateway::{Metered, require};
use onelastai_model_router::{ChatEvent, ChatUsage, ModelError};
use onelastai_openai::{
    ApiError, ErrorBody,
    chat::{Collected, Details},
    parse,
    responses::{EventEncoder, Outcome, Response, ResponseHead, ResponsesRequest},
};
use uuid::Uuid;

use super::{
    answer::{Encode, stream},
    caller::Caller,
    calls::Calls,
    chat::details,
    error::Failure,
    extract::Body,
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
    Extension(calls): Extension<Calls>,
    Caller(caller, _): Caller,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<HttpResponse, Failure> {
    require(&caller, Scope::ChatWrite)?;
    let request: ResponsesRequest = parse(&body)?;
    let answering = answer(state.clone(), calls.clone(), caller.clone(), request);
    let path = "/v1/responses";
    once(
        &state,
        &calls,
        caller.user,
        &headers,
        path,
        &body,
        answering,
    )
    .await
}

async fn answer(
    state: AppState,
    calls: Calls,
    caller: Arc<ApiCaller>,
    request: ResponsesRequest,
) -> Result<Reply, Failure> {
    let streams = request.streams();
    let head = ResponseHead::new(now(), &request);
    let question = request.into_router()?;
    let asked = async move { state.gateway.chat(&caller, question).await }.boxed();
    if streams {
        let begin = move |id: Uuid, out: &mut BytesMut| {
            EventEncoder::new(head.named(id.simple().to_string()), out)
        };
        return stream(&calls, asked, begin).await;
    }
    let metered = asked.await?;
    let (id, rates) = (metered.id, metered.rates);
    let head = head.named(id.simple().to_string());
    Ok(Reply::json(&collect(metered, &head).await?).of(id, rates))
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

impl Encode for EventEncoder {
    fn piece(&mut self, event: ChatEvent, out: &mut BytesMut) {
        Self::piece(self, event, out);
    }

    fn end(self, usage: &ChatUsage, details: Details, out: &mut BytesMut) {
        Self::end(self, Outcome::Done(usage, Some(details)), out);
    }

    fn fail(self, error: ApiError, out: &mut BytesMut) {
        Self::end(self, Outcome::Failed(&error), out);
    }
}
