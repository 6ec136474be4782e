//! `POST /v1/chat/completions`

use std::sync::Arc;

use axum::{Extension, extract::State, http::HeaderMap, response::Response};
use bytes::BytesMut;
use futures::{FutureExt, StreamExt};
use onelastai_access::{ApiCaller, Scope};
use onelastai_app::state::AppState;
use onelastai_gateway::{Metered, require};
use onelastai_model_router::{ChatEvent, ChatUsage, ModelError};
use onelastai_openai::{
    ApiError, ErrorBody,
    chat::{ChatCompletion, ChatCompletionRequest, ChunkEncoder, Collected, Details, Head},
    parse,
};
use uuid::Uuid;

use super::{
    answer::{Encode, stream},
    caller::Caller,
    calls::Calls,
    error::Failure,
    extract::Body,
    idempotency::once,
    reply::{Reply, now},
};

/// Ask a model or an agent
///
/// The next message of a conversation, whole or as a stream. With an `Idempotency-Key`, the
/// same request sent again is answered in the same way and charged once.
#[utoipa::path(
    post, path = "/v1/chat/completions", tag = "Chat", operation_id = "createChatCompletion",
    request_body = ChatCompletionRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "Names the request: sent again with the same key, it is answered once.")),
    responses(
        (status = 200, description = "The answer; with `stream`, server-sent events of `chat.completion.chunk` that end with `[DONE]`", body = ChatCompletion),
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
    require(&caller, Scope::ChatWrite)?;
    let request: ChatCompletionRequest = parse(&body)?;
    let answering = answer(state.clone(), calls.clone(), caller.clone(), request);
    let path = "/v1/chat/completions";
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
    request: ChatCompletionRequest,
) -> Result<Reply, Failure> {
    let (streams, wants_usage) = (request.streams(), request.wants_usage());
    let (created, model) = (now(), request.model.clone());
    let head = move |id: Uuid| Head {
        id: format!("chatcmpl-{}", id.simple()),
        created,
        model,
    };
    let question = request.into_router()?;
    let asked = async move { state.gateway.chat(&caller, question).await }.boxed();
    if streams {
        let begin = move |id, _: &mut BytesMut| Chunks {
            encoder: ChunkEncoder::new(&head(id)),
            wants_usage,
        };
        return stream(&calls, asked, begin).await;
    }
    let metered = asked.await?;
    let (id, rates) = (metered.id, metered.rates);
    let answer = collect(metered, head(id)).await?;
    Ok(Reply::json(&answer).of(id, rates))
}

async fn collect(mut metered: Metered, head: Head) -> Result<ChatCompletion, Failure> {
    let mut collected = Collected::default();
    while let Some(event) = metered.next().await {
        if let Some(usage) = collected.push(event?) {
            let details = details(&metered);
            return Ok(collected.into_completion(head, &usage, Some(details)));
        }
    }
    Err(ModelError::Interrupted.into())
}

/// How an answer came about.
pub(super) fn details(metered: &Metered) -> Details {
    let chosen = metered.chosen();
    let milliseconds =
        |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    Details {
        model: chosen.model_id.clone(),
        reason: chosen.reason.clone(),
        waiting_ms: milliseconds(chosen.waited),
        first_token_ms: metered.first_token().map(milliseconds),
        retries: chosen.retries,
        fallback: chosen.fallback,
    }
}

/// As `chat.completion.chunk` events.
struct Chunks {
    encoder: ChunkEncoder,
    wants_usage: bool,
}

impl Encode for Chunks {
    fn piece(&mut self, event: ChatEvent, out: &mut BytesMut) {
        self.encoder.piece(&event, out);
    }

    fn end(self, usage: &ChatUsage, details: Details, out: &mut BytesMut) {
        let last = self.encoder.end(usage, self.wants_usage, Some(&details));
        out.extend_from_slice(&last);
    }

    fn fail(self, error: ApiError, out: &mut BytesMut) {
        out.extend_from_slice(&ChunkEncoder::error(error));
    }
}
