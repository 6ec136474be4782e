//! A model's answer as server-sent events, whichever form they are in.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use futures::{
    FutureExt, Stream, StreamExt,
    future::{self, BoxFuture},
};
use onelastai_gateway::{GatewayError, Metered};
use onelastai_model_router::{ChatEvent, ChatUsage, ModelError};
use onelastai_openai::{ApiError, chat::Details};
use tokio::time::timeout;
use uuid::Uuid;

use super::{
    calls::Calls,
    chat::details,
    error::Failure,
    pieces::{Piece, Pieces},
    reply::Reply,
};

/// As many bytes of pieces that came together are sent together.
const TOGETHER: usize = 16 << 10;

/// Writes the events of one answer in a form of the API.
pub(super) trait Encode: Send + Unpin + 'static {
    /// Adds one piece; the end is not one.
    fn piece(&mut self, event: ChatEvent, out: &mut BytesMut);
    /// Keeps an answer that is whole, before its end is told; whether that goes well. `None` where
    /// nothing is to be kept.
    fn keep(&mut self, _usage: &ChatUsage, _metered: &Metered) -> Option<BoxFuture<'static, bool>> {
        None
    }
    /// Whether it was kept, where it was to be.
    fn kept(&mut self, _kept: bool) {}
    /// The last events of an answer that is whole.
    fn end(self, usage: &ChatUsage, details: Details, out: &mut BytesMut);
    /// The last event of one that is not.
    fn fail(self, error: ApiError, out: &mut BytesMut);
}

/// A model that is being asked.
pub(super) type Asked = BoxFuture<'static, Result<Metered, GatewayError>>;

/// Begins the events of a call with this name.
type Begin<E> = Box<dyn FnOnce(Uuid, &mut BytesMut) -> E + Send>;

/// Answers with events, as soon as a model answers. Where that takes longer than a stream may
/// be silent the events begin without it, or a proxy would close the connection; an error is
/// an event then, and what is left of the limits isn't told.
///
/// # Errors
/// Those of the asking, as long as they come in that time.
pub(super) async fn stream<E: Encode>(
    calls: &Calls,
    mut asked: Asked,
    begin: impl FnOnce(Uuid, &mut BytesMut) -> E + Send + 'static,
) -> Result<Reply, Failure> {
    let in_time = timeout(calls.silence(), &mut asked).await;
    let answer = |state, waiting| Answer {
        state,
        begin: Some(Box::new(begin) as Begin<E>),
        waiting,
    };
    Ok(match in_time {
        Ok(metered) => {
            let metered = metered?;
            let (id, rates) = (metered.id, metered.rates);
            let asked = future::ready(Ok(metered)).boxed();
            Reply::events(calls.watch(answer(State::Asked(asked), false))).of(id, rates)
        }
        Err(_) => Reply::events(calls.watch(answer(State::Asked(asked), true))),
    })
}

enum State<E> {
    Asked(Asked),
    Answering(Box<Metered>, E),
    /// It is whole, and is being kept.
    Keeping(Box<Metered>, E, ChatUsage, BoxFuture<'static, bool>),
    Over,
}

/// What came together is sent together.
struct Answer<E> {
    state: State<E>,
    /// Until it has begun.
    begin: Option<Begin<E>>,
    /// Whether to say at once that the model is waited for.
    waiting: bool,
}

impl<E: Encode> Answer<E> {
    /// It is over, with this error as its last event.
    fn failed(&mut self, error: ApiError, mut out: BytesMut) -> Bytes {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Asked(_) => {
                if let Some(begin) = self.begin.take() {
                    begin(Uuid::new_v4(), &mut out).fail(error, &mut out);
                }
            }
            State::Answering(_, encoder) | State::Keeping(_, encoder, ..) => {
                encoder.fail(error, &mut out);
            }
            State::Over => {}
        }
        out.freeze()
    }

    /// It is whole, and is kept before that is told.
    fn whole(&mut self, usage: ChatUsage) {
        let State::Answering(metered, mut encoder) =
            std::mem::replace(&mut self.state, State::Over)
        else {
            return;
        };
        let keeping = encoder.keep(&usage, &metered);
        let keeping = keeping.unwrap_or_else(|| future::ready(true).boxed());
        self.state = State::Keeping(metered, encoder, usage, keeping);
    }

    /// It is over, and whole.
    fn ended(&mut self, kept: bool, mut out: BytesMut) -> Bytes {
        if let State::Keeping(metered, mut encoder, usage, _) =
            std::mem::replace(&mut self.state, State::Over)
        {
            encoder.kept(kept);
            encoder.end(&usage, details(&metered), &mut out);
        }
        out.freeze()
    }
}

impl<E: Encode> Stream for Answer<E> {
    type Item = Piece;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Piece>> {
        let this = self.get_mut();
        if std::mem::take(&mut this.waiting) {
            return Poll::Ready(Some(Piece::waiting()));
        }
        let mut out = BytesMut::new();
        loop {
            let (metered, encoder) = match &mut this.state {
                State::Asked(asked) => {
                    match ready!(asked.poll_unpin(cx)) {
                        Ok(metered) => {
                            let Some(begin) = this.begin.take() else {
                                this.state = State::Over;
                                continue;
                            };
                            let encoder = begin(metered.id, &mut out);
                            this.state = State::Answering(Box::new(metered), encoder);
                        }
                        Err(error) => {
                            let error = Failure::from(error).into_error();
                            let told = this.failed(error, out);
                            return Poll::Ready(Some(Piece::More(told)));
                        }
                    }
                    continue;
                }
                State::Answering(metered, encoder) => (metered, encoder),
                State::Keeping(_, _, _, keeping) => {
                    return match keeping.poll_unpin(cx) {
                        Poll::Ready(kept) => Poll::Ready(Some(Piece::Last(this.ended(kept, out)))),
                        Poll::Pending if out.is_empty() => Poll::Pending,
                        Poll::Pending => Poll::Ready(Some(Piece::More(out.freeze()))),
                    };
                }
                State::Over => return Poll::Ready(None),
            };
            let error = match metered.poll_next_unpin(cx) {
                Poll::Pending if out.is_empty() => return Poll::Pending,
                Poll::Pending => return Poll::Ready(Some(Piece::More(out.freeze()))),
                Poll::Ready(Some(Ok(ChatEvent::Done(usage)))) => {
                    this.whole(usage);
                    continue;
                }
                Poll::Ready(Some(Ok(event))) => {
                    encoder.piece(event, &mut out);
                    if out.len() < TOGETHER {
                        continue;
                    }
                    return Poll::Ready(Some(Piece::More(out.freeze())));
                }
                Poll::Ready(Some(Err(error))) => error,
                Poll::Ready(None) => ModelError::Interrupted,
            };
            let error = Failure::from(error).into_error();
            return Poll::Ready(Some(Piece::More(this.failed(error, out))));
        }
    }
}

impl<E: Encode> Pieces for Answer<E> {
    fn fail(&mut self, error: ApiError) -> Bytes {
        self.failed(error, BytesMut::new())
    }
}
