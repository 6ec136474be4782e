//! From the bytes of one response to the events of one answer, whatever the protocol.

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures::{Stream, StreamExt};

use crate::{answer::ChatEvent, error::ModelError};

/// The longest line that is read: a piece of an answer is a few words.
pub(super) const LONGEST_LINE: usize = 1 << 20;

/// The most chunks that are read after the end of an answer.
const LONGEST_TAIL: usize = 8;

/// A protocol: what bytes mean.
pub(super) trait Decode {
    /// The next chunk. All that the one before said must have been read.
    fn push(&mut self, chunk: Bytes);

    /// Adds what comes next to `events`; adds nothing when another chunk is needed.
    fn read(&mut self, events: &mut VecDeque<ChatEvent>) -> Result<(), ModelError>;

    /// Adds what is left once there are no more chunks, the end of the answer among it. `cut`
    /// says that the connection broke.
    ///
    /// An answer that did not say that it is done was interrupted.
    fn finish(&mut self, cut: bool, events: &mut VecDeque<ChatEvent>) -> Result<(), ModelError>;
}

/// The events in a response's body.
#[derive(Debug)]
pub(super) struct Answer<S, D> {
    body: S,
    decoder: D,
    /// What was said and has not been taken yet.
    events: VecDeque<ChatEvent>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Reading,
    /// All was said; the end of the body is read so that the connection can be used again.
    Done,
    Over,
}

impl<S, E, D> Answer<S, D>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    D: Decode + Unpin,
{
    pub(super) fn new(body: S, decoder: D) -> Self {
        Self {
            body,
            decoder,
            events: VecDeque::new(),
            state: State::Reading,
        }
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Result<ChatEvent, ModelError>> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Poll::Ready(Ok(event));
            }
            self.decoder.read(&mut self.events)?;
            if self.events.is_empty() {
                match ready!(self.body.poll_next_unpin(cx)) {
                    Some(Ok(chunk)) => self.decoder.push(chunk),
                    end => {
                        self.decoder.finish(end.is_some(), &mut self.events)?;
                        if self.events.is_empty() {
                            return Poll::Ready(Err(ModelError::Interrupted));
                        }
                    }
                }
            }
        }
    }
}

impl<S, E, D> Stream for Answer<S, D>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    D: Decode + Unpin,
{
    type Item = Result<ChatEvent, ModelError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match self.state {
            State::Reading => {
                let event = ready!(self.poll_event(cx));
                match event {
                    Ok(ChatEvent::Done(_)) => self.state = State::Done,
                    Ok(_) => {}
                    Err(_) => self.state = State::Over,
                }
                Poll::Ready(Some(event))
            }
            State::Done => {
                // Whatever still comes is not part of the answer, and it should not be much.
                for _ in 0..LONGEST_TAIL {
                    if !matches!(ready!(self.body.poll_next_unpin(cx)), Some(Ok(_))) {
                        break;
                    }
                }
                self.state = State::Over;
                Poll::Ready(None)
            }
            State::Over => Poll::Ready(None),
        }
    }
}
