//! `POST /v1/responses`

use std::sync::Arc;

use axum::{Extension, extract::State, http::HeaderMap, response::Response as HttpResponse};
use bytes::BytesMut;
use futures::{FutureExt, StreamExt, future::BoxFuture};
use onelastai_access::{ApiCaller, Scope};
use onelastai_app::state::AppState;
use onelastai_gateway::{GatewayError, Metered, require};
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
    kept_responses::{self, Keeping},
    reply::{Reply, now},
};

/// Ask a model or an agent, in the newer form
///
/// The answer is kept for 30 days with what was asked, unless `store` is `false`; with
/// `previous_response_id` another one goes on from it. One that failed, or whose caller went away,
/// is not kept.
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
    let previous = previous(&request)?;
    let before = match previous {
        Some(call) => kept_responses::before(&state.gateway, &caller, call).await?,
        None => Vec::new(),
    };
    let keeping = request.stores().then(|| Keeping {
        gateway: state.gateway.clone(),
        user: caller.user,
        previous,
        input: request.input.clone(),
    });
    let question = request.into_router(before)?;
    let asked = async move { state.gateway.chat(&caller, question).await }.boxed();
    if streams {
        let begin = move |id: Uuid, out: &mut BytesMut| {
            let head = head.named(id.simple().to_string());
            Events {
                encoder: EventEncoder::new(head, out),
                keeping,
            }
        };
        return stream(&calls, asked, begin).await;
    }
    let metered = asked.await?;
    let (id, rates, agent) = (metered.id, metered.rates, metered.agent());
    let head = head.named(id.simple().to_string());
    let mut response = collect(metered, &head).await?;
    if let Some(keeping) = keeping {
        // Before it is told, so that the next request finds it.
        response.store = keeping.keep(id, agent, &response).await;
    }
    Ok(Reply::json(&response).of(id, rates))
}

/// The call whose answer this one goes on from.
fn previous(request: &ResponsesRequest) -> Result<Option<Uuid>, GatewayError> {
    let Some(name) = &request.previous_response_id else {
        return Ok(None);
    };
    let call = kept_responses::call(name).ok_or(GatewayError::NoPrevious)?;
    Ok(Some(call))
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

/// As `response.…` events.
struct Events {
    encoder: EventEncoder,
    /// Until it is whole; `None` where it isn't to be kept.
    keeping: Option<Keeping>,
}

impl Encode for Events {
    fn piece(&mut self, event: ChatEvent, out: &mut BytesMut) {
        self.encoder.piece(event, out);
    }

    fn keep(&mut self, usage: &ChatUsage, metered: &Metered) -> Option<BoxFuture<'static, bool>> {
        let keeping = self.keeping.take()?;
        let response = self.encoder.response(usage, Some(details(metered)));
        Some(keeping.keep(metered.id, metered.agent(), &response))
    }

    fn kept(&mut self, kept: bool) {
        if !kept {
            self.encoder.not_kept();
        }
    }

    fn end(self, usage: &ChatUsage, details: Details, out: &mut BytesMut) {
        let outcome = Outcome::Done(usage, Some(details));
        self.encoder.end(outcome, out);
    }

    fn fail(self, error: ApiError, out: &mut BytesMut) {
        self.encoder.end(Outcome::Failed(&error), out);
    }
}
