//! `Idempotency-Key`: a request that names itself is answered once, however often it is sent.

use axum::{
    http::{HeaderMap, HeaderValue},
    response::{IntoResponse, Response},
};
use bytes::{Bytes, BytesMut};
use futures::{StreamExt, stream::BoxStream};
use onelastai_app::state::AppState;
use onelastai_gateway::{Claim, Claimed, GatewayService, Stored};
use onelastai_types::UserId;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::{
    calls::Calls,
    error::Failure,
    pieces::Piece,
    reply::{Reply, ReplyBody},
};

/// The longest answer that is kept.
const LONGEST: usize = 8 << 20;
/// So many pieces may wait for a reader who is slower than the model. Whoever falls behind
/// further gets no more of them, but finds the whole answer when they ask again.
const AHEAD: usize = 4096;

/// Answers a request with `answer`; or, where it named itself and was answered before, in the
/// very same way. A request that named itself is answered to its end even when its caller goes
/// away, so that the next try finds it; an answer that broke off is not kept.
///
/// # Errors
/// Those of the answer, and where the name can't be used for this request.
pub(super) async fn once<F>(
    state: &AppState,
    calls: &Calls,
    user: UserId,
    headers: &HeaderMap,
    path: &str,
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
            let answering =
                answer_and_keep(gateway.clone(), calls.clone(), claimed.clone(), answer);
            match tokio::spawn(answering).await {
                Ok(reply) => reply.map(IntoResponse::into_response),
                // It panicked.
                Err(_) => {
                    give_up(&gateway, &claimed).await;
                    Err(Failure::internal())
                }
            }
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

/// What the request calls itself.
///
/// # Errors
/// Where that is no good name.
pub(super) fn key(headers: &HeaderMap) -> Result<Option<&str>, Failure> {
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
    calls: Calls,
    claimed: Claimed,
    answer: impl Future<Output = Result<Reply, Failure>> + Send,
) -> Result<Reply, Failure> {
    let _under_way = calls.token();
    let answered = tokio::select! {
        biased;
        answered = answer => answered,
        () = calls.ended() => Err(Failure::stopping()),
    };
    let reply = match answered {
        Ok(reply) => reply,
        Err(failure) => {
            give_up(&gateway, &claimed).await;
            return Err(failure);
        }
    };
    let stored = Stored {
        status: reply.status.as_u16(),
        content_type: reply.content_type.to_owned(),
        body: Bytes::new(),
    };
    let body = match reply.body {
        ReplyBody::Whole(body) => {
            let stored = Stored {
                body: body.clone(),
                ..stored
            };
            keep(&gateway, &claimed, &stored).await;
            ReplyBody::Whole(body)
        }
        ReplyBody::Pieces(pieces) => {
            let (reader, read) = mpsc::channel(AHEAD);
            let token = calls.token();
            tokio::spawn(async move {
                match collect(pieces, reader.clone()).await {
                    Some(body) => keep(&gateway, &claimed, &Stored { body, ..stored }).await,
                    None => give_up(&gateway, &claimed).await,
                }
                // Whoever has read it all finds it kept.
                drop(reader);
                drop(token);
            });
            ReplyBody::Pieces(ReceiverStream::new(read).boxed())
        }
    };
    Ok(Reply { body, ..reply })
}

/// Takes all pieces as fast as they come, for a reader who may be slow or gone; `None` where the
/// answer has no end.
async fn collect(
    mut pieces: BoxStream<'static, Piece>,
    reader: mpsc::Sender<Piece>,
) -> Option<Bytes> {
    let (mut all, mut whole) = (BytesMut::new(), false);
    let mut reader = Some(reader);
    while let Some(piece) = pieces.next().await {
        whole = matches!(piece, Piece::Last(_));
        if all.len() <= LONGEST && !piece.is_waiting() {
            all.extend_from_slice(piece.bytes());
        }
        if let Some(reading) = &reader
            && reading.try_send(piece).is_err()
        {
            reader = None;
        }
    }
    whole.then(|| all.freeze())
}

async fn keep(gateway: &GatewayService, claimed: &Claimed, stored: &Stored) {
    if stored.body.len() > LONGEST {
        return give_up(gateway, claimed).await;
    }
    if let Err(error) = gateway.keep(claimed, stored).await {
        tracing::warn!(%error, "can't keep the answer to an idempotent request");
    }
}

async fn give_up(gateway: &GatewayService, claimed: &Claimed) {
    if let Err(error) = gateway.give_up(claimed).await {
        tracing::warn!(%error, "can't give up an idempotency key");
    }
}

fn replay(stored: Stored) -> Response {
    let reply = Reply::kept(stored.status, &stored.content_type, stored.body);
    let mut response = reply.into_response();
    response
        .headers_mut()
        .insert("idempotent-replayed", HeaderValue::from_static("true"));
    response
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;

    fn bytes(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    #[tokio::test]
    async fn only_an_answer_with_an_end_is_kept_and_without_what_is_no_part_of_it() {
        let (reader, mut read) = mpsc::channel(8);
        let begun = [Piece::waiting(), Piece::More(bytes("a"))];
        let whole = begun.clone().into_iter().chain([Piece::Last(bytes("b"))]);
        let kept = collect(stream::iter(whole.collect::<Vec<_>>()).boxed(), reader).await;
        assert_eq!(kept, Some(bytes("ab")));
        assert_eq!(read.recv().await, Some(Piece::waiting()));
        let (reader, read) = mpsc::channel(8);
        let broken = begun.into_iter().chain([Piece::More(bytes("an error"))]);
        let kept = collect(stream::iter(broken.collect::<Vec<_>>()).boxed(), reader).await;
        assert_eq!((kept, read.len()), (None, 3));
    }

    #[tokio::test]
    async fn a_reader_who_does_not_read_keeps_nobody_waiting() {
        let (reader, _unread) = mpsc::channel(1);
        let mut pieces = vec![Piece::More(bytes("a")); 100];
        pieces.push(Piece::Last(bytes("end")));
        let kept = collect(stream::iter(pieces).boxed(), reader).await;
        assert_eq!(kept.map(|kept| kept.len()), Some(103));
    }
}
