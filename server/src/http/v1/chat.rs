//! `POST /v1/chat/completions`

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use axum::{extract::State, http::HeaderMap, response::Response};
use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt};
use onelastai_access::ApiCaller;
use onelastai_app::state::AppState;
use onelastai_gateway::Metered;
use onelastai_model_router::{ChatEvent, ModelError};
use onelastai_openai::{
    ErrorBody,
    chat::{ChatCompletion, ChatCompletionRequest, ChunkEncoder, Collected, Details, Head},
    parse,
};

use super::{
    caller::Caller,
    error::Failure,
    idempotency::once,
    reply::{Reply, now},
};

/// As many bytes of pieces that came together are sent together.
const TOGETHER: usize = 16 << 10;

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
    Caller(caller, _): Caller,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Failure> {
    let request: ChatCompletionRequest = parse(&body)?;
    let answering = answer(state.clone(), caller.clone(), request);
    let path = "/v1/chat/completions";
    once(&state, caller.user, &headers, path, &body, answering).await
}

async fn answer(
    state: AppState,
    caller: std::sync::Arc<ApiCaller>,
    request: ChatCompletionRequest,
) -> Result<Reply, Failure> {
    let (streams, wants_usage) = (request.streams(), request.wants_usage());
    let model = request.model.clone();
    let asked = request.into_router()?;
    let metered = state.gateway.chat(&caller, asked).await?;
    let (id, rate) = (metered.id, metered.rate);
    let head = Head {
        id: format!("chatcmpl-{}", id.simple()),
        created: now(),
        model,
    };
    let reply = if streams {
        Reply::events(Chunks {
            encoder: ChunkEncoder::new(&head),
            metered,
            wants_usage,
            last: None,
            over: false,
        })
    } else {
        Reply::json(&collect(metered, head).await?)
    };
    Ok(reply.of(id, rate))
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

/// An answer as server-sent events. What came together is sent together.
struct Chunks {
    metered: Metered,
    encoder: ChunkEncoder,
    wants_usage: bool,
    /// The last events, while what came before them is sent.
    last: Option<Bytes>,
    over: bool,
}

impl Stream for Chunks {
    type Item = Bytes;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let this = self.get_mut();
        if let Some(last) = this.last.take() {
            return Poll::Ready(Some(last));
        }
        if this.over {
            return Poll::Ready(None);
        }
        let mut out = BytesMut::new();
        while out.len() < TOGETHER {
            let last = match this.metered.poll_next_unpin(cx) {
                Poll::Pending if out.is_empty() => return Poll::Pending,
                Poll::Pending => break,
                Poll::Ready(Some(Ok(ChatEvent::Done(usage)))) => {
                    let details = details(&this.metered);
                    this.encoder.end(&usage, this.wants_usage, Some(&details))
                }
                Poll::Ready(Some(Ok(event))) => {
                    this.encoder.piece(&event, &mut out);
                    continue;
                }
                Poll::Ready(Some(Err(error))) => {
                    ChunkEncoder::error(Failure::from(error).into_error())
                }
                Poll::Ready(None) => {
                    ChunkEncoder::error(Failure::from(ModelError::Interrupted).into_error())
                }
            };
            this.over = true;
            if out.is_empty() {
                return Poll::Ready(Some(last));
            }
            this.last = Some(last);
            break;
        }
        Poll::Ready(Some(out.freeze()))
    }
}
