//! One streamed answer that is looked after from outside.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use futures::{Stream, StreamExt};
use onelastai_openai::ApiError;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::{
    calls::Calls,
    error::Failure,
    pieces::{Piece, Pieces},
};

/// How long a stream may stand still, in ticks.
pub(super) struct Limits {
    pub(super) slow_reader: u64,
    pub(super) silence: u64,
}

/// What can be done to a stream while nobody polls it.
pub(super) trait Watch: Send + Sync {
    /// Sees to it that it doesn't stand still.
    fn look(&self, now: u64, limits: &Limits);
    /// Ends it: what it holds is let go at once, and its reader is told when they read on.
    fn end(&self, error: ApiError);
}

/// What a stream waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum WaitsFor {
    Model,
    Reader,
}

struct State<P> {
    /// With what says that the call is under way. `None` once it has ended.
    under_way: Option<(P, TaskTrackerToken)>,
    waits_for: WaitsFor,
    /// Since which tick.
    since: u64,
    comment_due: bool,
    /// Why it was ended, while that isn't told yet.
    farewell: Option<Bytes>,
    waker: Option<Waker>,
}

impl<P> State<P> {
    fn wait_for(&mut self, what: WaitsFor, now: u64) {
        self.waits_for = what;
        self.since = now;
        self.comment_due = false;
    }

    fn wake_later(&mut self, waker: &Waker) {
        if !self.waker.as_ref().is_some_and(|it| it.will_wake(waker)) {
            self.waker = Some(waker.clone());
        }
    }
}

struct Held<P>(Mutex<State<P>>);

impl<P: Pieces> Held<P> {
    fn state(&self) -> MutexGuard<'_, State<P>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends it, and lets go of what it held when nobody is kept waiting by that.
    fn let_go(mut state: MutexGuard<'_, State<P>>, error: ApiError) {
        let Some((mut pieces, token)) = state.under_way.take() else {
            return;
        };
        // Nothing where its end was told already.
        let farewell = pieces.fail(error);
        state.farewell = (!farewell.is_empty()).then_some(farewell);
        let waker = state.waker.take();
        drop(state);
        // Settling begins before the call counts as ended.
        drop(pieces);
        drop(token);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<P: Pieces> Watch for Held<P> {
    fn look(&self, now: u64, limits: &Limits) {
        let mut state = self.state();
        let waited = now.saturating_sub(state.since);
        match state.waits_for {
            WaitsFor::Reader if waited >= limits.slow_reader => {
                Self::let_go(state, Failure::slow_reader().into_error());
            }
            WaitsFor::Model if waited >= limits.silence && state.under_way.is_some() => {
                state.since = now;
                state.comment_due = true;
                let waker = state.waker.take();
                drop(state);
                if let Some(waker) = waker {
                    waker.wake();
                }
            }
            WaitsFor::Model | WaitsFor::Reader => {}
        }
    }

    fn end(&self, error: ApiError) {
        Self::let_go(self.state(), error);
    }
}

/// A stream with a limit to how long it may stand still.
pub(super) struct Watched<P: Pieces> {
    held: Arc<Held<P>>,
    calls: Calls,
    number: u64,
}

impl<P: Pieces> Watched<P> {
    pub(super) fn new(pieces: P, calls: Calls, number: u64) -> Self {
        let state = State {
            under_way: Some((pieces, calls.token())),
            waits_for: WaitsFor::Reader,
            since: calls.now(),
            comment_due: false,
            farewell: None,
            waker: None,
        };
        Self {
            held: Arc::new(Held(Mutex::new(state))),
            calls,
            number,
        }
    }

    /// For whoever looks at it.
    pub(super) fn watch(&self) -> Weak<dyn Watch> {
        let held: Arc<dyn Watch> = self.held.clone();
        Arc::downgrade(&held)
    }

    /// As [`Watch::end`].
    pub(super) fn end(&self, error: ApiError) {
        self.held.end(error);
    }
}

impl<P: Pieces> Stream for Watched<P> {
    type Item = Piece;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Piece>> {
        let now = self.calls.now();
        let mut guard = self.held.state();
        let state = &mut *guard;
        let Some((pieces, _)) = &mut state.under_way else {
            return Poll::Ready(state.farewell.take().map(Piece::More));
        };
        match pieces.poll_next_unpin(cx) {
            Poll::Ready(Some(piece @ Piece::More(_))) => {
                state.wait_for(WaitsFor::Reader, now);
                Poll::Ready(Some(piece))
            }
            Poll::Ready(last) => {
                state.under_way = None;
                Poll::Ready(last)
            }
            Poll::Pending if state.comment_due => {
                state.wait_for(WaitsFor::Reader, now);
                Poll::Ready(Some(Piece::waiting()))
            }
            Poll::Pending => {
                if state.waits_for == WaitsFor::Reader {
                    state.wait_for(WaitsFor::Model, now);
                }
                state.wake_later(cx.waker());
                Poll::Pending
            }
        }
    }
}

impl<P: Pieces> Drop for Watched<P> {
    fn drop(&mut self) {
        self.calls.forget(self.number);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::channel::mpsc;
    use onelastai_openai::ErrorKind;
    use tokio::time::timeout;

    use super::*;
    use crate::http::v1::calls::CallSettings;

    /// What a test says; dropping it is seen by the test's sender.
    struct Told(mpsc::UnboundedReceiver<Piece>);

    impl Stream for Told {
        type Item = Piece;

        fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Piece>> {
            self.0.poll_next_unpin(cx)
        }
    }

    impl Pieces for Told {
        fn fail(&mut self, error: ApiError) -> Bytes {
            error.code.unwrap_or_default().into()
        }
    }

    fn calls() -> Calls {
        Calls::new(CallSettings {
            slow_reader: Duration::from_millis(60),
            silence: Duration::from_millis(20),
            tick: Duration::from_millis(5),
        })
    }

    fn more(text: &'static str) -> Piece {
        Piece::More(Bytes::from_static(text.as_bytes()))
    }

    async fn next(stream: &mut Watched<Told>) -> Option<Piece> {
        timeout(Duration::from_secs(30), stream.next())
            .await
            .expect("a piece in time")
    }

    #[tokio::test]
    async fn who_does_not_read_lets_go_of_the_model() {
        let (said, told) = mpsc::unbounded();
        let mut stream = calls().watch(Told(told));
        said.unbounded_send(more("a")).unwrap();
        said.unbounded_send(more("b")).unwrap();
        assert_eq!(next(&mut stream).await, Some(more("a")));
        let gone = async {
            while !said.is_closed() {
                tokio::task::yield_now().await;
            }
        };
        timeout(Duration::from_secs(30), gone).await.unwrap();
        assert_eq!(next(&mut stream).await, Some(more("reader_too_slow")));
        assert_eq!(next(&mut stream).await, None);
    }

    #[tokio::test]
    async fn who_waits_for_the_model_is_told_so_and_stays() {
        let (said, told) = mpsc::unbounded();
        let mut stream = calls().watch(Told(told));
        // Far longer than a reader may take.
        for _ in 0..6 {
            assert!(next(&mut stream).await.unwrap().is_waiting());
        }
        let last = Piece::Last(Bytes::from_static(b"end"));
        said.unbounded_send(last.clone()).unwrap();
        assert_eq!(next(&mut stream).await, Some(last));
        assert_eq!(next(&mut stream).await, None);
    }

    #[tokio::test]
    async fn a_server_that_stops_waits_and_then_tells_what_is_left() {
        let calls = calls();
        let (said, told) = mpsc::unbounded();
        let mut stream = calls.watch(Told(told));
        said.unbounded_send(more("a")).unwrap();
        assert_eq!(next(&mut stream).await, Some(more("a")));
        let reading = tokio::spawn(async move {
            let mut seen = Vec::new();
            while let Some(piece) = next(&mut stream).await {
                if !piece.is_waiting() {
                    seen.push(piece);
                }
            }
            seen
        });
        calls.drain(Duration::from_millis(1)).await;
        assert!(said.is_closed());
        assert_eq!(reading.await.unwrap(), [more("server_stopping")]);
        let refused = calls.enter().unwrap_err().into_error();
        assert_eq!(refused.kind, ErrorKind::ServerError);
        let late = calls.watch(Told(mpsc::unbounded().1));
        assert_eq!(late.collect::<Vec<_>>().await, [more("server_stopping")]);
    }
}
