//! `Idempotency-Key`: a request that names itself is answered once, however often it is sent.

use axum::{
    http::{HeaderMap, HeaderValue},
    response::{IntoResponse, Response},
};
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use onelastai_app::state::AppState;
use onelastai_gateway::{Claim, Claimed, GatewayService, Stored};
use onelastai_types::UserId;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::{
    error::Failure,
    reply::{Reply, ReplyBody},
};

/// The longest answer that is kept.
const LONGEST: usize = 8 << 20;
/// Pieces that wait for a reader who is slower than the model. The rest waits in the model's
/// connection.
const AHEAD: usize = 64;

/// Answers a request with `answer`; or, where it named itself and was answered before, in the
/// very same way. A request that named itself is answered to its end even when its caller goes
/// away, so that the next try finds it.
pub(super) async fn once<F>(
    state: &AppState,
    user: UserId,
    headers: &HeaderMap,
    path: &'static str,
    body: &Bytes,
    answer: F,
) -> Result<Response, Failure>
where
    F: Future<Output = Result<Reply, Failure>> + Send + 'static,
{
    let Some(key) = key(headers)? else {
        return answer.await.map(IntoResponse::into_response);
    };
    let gateway = state.gateway.clone();
    match gateway.claim(user, key, path, body).await? {
        Claim::New(claimed) => {
            let task = tokio::spawn(answer_and_keep(gateway, claimed, answer));
            let reply = task.await.unwrap_or_else(|_| Err(Failure::unavailable()));
            reply.map(IntoResponse::into_response)
        }
        Claim::Before(stored) => Ok(replay(stored)),
        Claim::UnderWay => Err(Failure::idempotency(
            "idempotency_key_in_use",
            "A request with this Idempotency-Key is being answered. Try again in a moment.",
        )),
        Claim::Mismatch => Err(Failure::idempotency(
            "idempotency_key_reused",
            "This Idempotency-Key was used for another request within the last day.",
        )),
    }
}

fn key(headers: &HeaderMap) -> Result<Option<&str>, Failure> {
    let Some(key) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    let fits = |key: &&str| (1..=255).contains(&key.len());
    match key.to_str().ok().map(str::trim).filter(fits) {
        Some(key) => Ok(Some(key)),
        None => Err(Failure::idempotency(
            "invalid_idempotency_key",
            "An Idempotency-Key has 1 to 255 visible ASCII characters.",
        )),
    }
}

async fn answer_and_keep(
    gateway: GatewayService,
    claimed: Claimed,
    answer: impl Future<Output = Result<Reply, Failure>> + Send,
) -> Result<Reply, Failure> {
    let reply = match answer.await {
        Ok(reply) => reply,
        Err(failure) => {
            give_up(&gateway, &claimed).await;
            return Err(failure);
        }
    };
    let content_type = reply.content_type;
    let body = match reply.body {
        ReplyBody::Whole(body) => {
            keep(&gateway, &claimed, content_type, body.clone()).await;
            ReplyBody::Whole(body)
        }
        ReplyBody::Pieces(mut pieces) => {
            let (sender, receiver) = mpsc::channel(AHEAD);
            tokio::spawn(async move {
                let mut all = BytesMut::new();
                while let Some(piece) = pieces.next().await {
                    if all.len() <= LONGEST {
                        all.extend_from_slice(&piece);
                    }
                    // Nobody may be there to read it any more.
                    let _ = sender.send(piece).await;
                }
                keep(&gateway, &claimed, content_type, all.freeze()).await;
            });
            ReplyBody::Pieces(ReceiverStream::new(receiver).boxed())
        }
    };
    Ok(Reply { body, ..reply })
}

async fn keep(gateway: &GatewayService, claimed: &Claimed, content_type: &str, body: Bytes) {
    if body.len() > LONGEST {
        return give_up(gateway, claimed).await;
    }
    let stored = Stored {
        status: 200,
        content_type: content_type.to_owned(),
        body,
    };
    if let Err(error) = gateway.keep(claimed, &stored).await {
        tracing::warn!(%error, "can't keep the answer to an idempotent request");
    }
}

async fn give_up(gateway: &GatewayService, claimed: &Claimed) {
    if let Err(error) = gateway.give_up(claimed).await {
        tracing::warn!(%error, "can't give up an idempotency key");
    }
}

fn replay(stored: Stored) -> Response {
    let events = stored.content_type.starts_with("text/event-stream");
    let reply = Reply {
        content_type: if events {
            "text/event-stream"
        } else {
            "application/json"
        },
        body: ReplyBody::Whole(stored.body),
        rate: None,
        id: None,
    };
    let mut response = reply.into_response();
    response
        .headers_mut()
        .insert("idempotent-replayed", HeaderValue::from_static("true"));
    response
}
