//! An answer on its way: the deadline between pieces, and the account of how it ended.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use futures::{Stream, StreamExt};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::{
    answer::{ChatEvent, Chosen},
    error::ModelError,
    pool::Permit,
    providers::EventStream,
};

/// The longest wait, after the end of an answer, for the end of its connection's data.
const LAST_WAIT: Duration = Duration::from_millis(50);

/// An answer, piece by piece: a [`Stream`] of [`ChatEvent`]s that ends with
/// [`ChatEvent::Done`] or with one error. Nothing comes after either.
///
/// Dropping it closes the connection, at which the engine stops generating.
pub struct ChatStream {
    /// Which model and instance answer, and why.
    pub chosen: Chosen,
    events: EventStream,
    /// The piece that showed that the model answers.
    first: Option<ChatEvent>,
    state: State,
    idle_timeout: Duration,
    /// Set while a piece is awaited.
    deadline: Option<Instant>,
    /// May be set earlier than `deadline`, and is then set anew when it rings: cheaper than
    /// setting it for every piece.
    alarm: Pin<Box<Sleep>>,
}

enum State {
    /// The answer is coming; how it ends is told to the permit.
    Answering(Permit),
    /// It is done; its connection may not be.
    Done,
    Over,
}

impl ChatStream {
    pub(crate) fn new(
        chosen: Chosen,
        first: ChatEvent,
        events: EventStream,
        permit: Permit,
        idle_timeout: Duration,
    ) -> Self {
        Self {
            chosen,
            events,
            first: Some(first),
            state: State::Answering(permit),
            idle_timeout,
            deadline: None,
            alarm: Box::pin(sleep_until(Instant::now() + idle_timeout)),
        }
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<ChatEvent, ModelError>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        let event = self.events.poll_next_unpin(cx);
        if event.is_ready() {
            self.deadline = None;
        }
        event
    }

    /// Whether a piece has been awaited for longer than `wait`.
    fn poll_deadline(&mut self, cx: &mut Context<'_>, wait: Duration) -> Poll<()> {
        let deadline = *self.deadline.get_or_insert_with(|| Instant::now() + wait);
        if self.alarm.deadline() > deadline {
            self.alarm.as_mut().reset(deadline);
        }
        while self.alarm.as_mut().poll(cx).is_ready() {
            if self.alarm.deadline() >= deadline {
                return Poll::Ready(());
            }
            self.alarm.as_mut().reset(deadline);
        }
        Poll::Pending
    }

    /// Ends the answer: the connection is closed and the instance's record kept.
    fn fail(&mut self, error: ModelError) -> Option<Result<ChatEvent, ModelError>> {
        self.close();
        if let State::Answering(permit) = std::mem::replace(&mut self.state, State::Over) {
            permit.failed(&error);
        }
        tracing::warn!(
            model = %self.chosen.model_id,
            instance = %self.chosen.instance,
            code = error.code(),
            "an answer broke off"
        );
        Some(Err(error))
    }

    fn close(&mut self) {
        self.events = futures::stream::empty().boxed();
    }
}

impl Stream for ChatStream {
    type Item = Result<ChatEvent, ModelError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        match this.state {
            State::Answering(_) => match this.poll_event(cx) {
                Poll::Ready(Some(Ok(event))) => {
                    if matches!(event, ChatEvent::Done(_))
                        && let State::Answering(permit) =
                            std::mem::replace(&mut this.state, State::Done)
                    {
                        permit.succeeded();
                    }
                    Poll::Ready(Some(Ok(event)))
                }
                Poll::Ready(Some(Err(error))) => Poll::Ready(this.fail(error)),
                Poll::Ready(None) => Poll::Ready(this.fail(ModelError::Interrupted)),
                Poll::Pending => this
                    .poll_deadline(cx, this.idle_timeout)
                    .map(|()| this.fail(ModelError::IdleTimeout)),
            },
            State::Done => {
                let ended = this.poll_event(cx).map(drop);
                if ended.is_ready() || this.poll_deadline(cx, LAST_WAIT).is_ready() {
                    this.state = State::Over;
                    this.close();
                    return Poll::Ready(None);
                }
                Poll::Pending
            }
            State::Over => Poll::Ready(None),
        }
    }
}

impl fmt::Debug for ChatStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChatStream")
            .field("chosen", &self.chosen)
            .finish_non_exhaustive()
    }
}
