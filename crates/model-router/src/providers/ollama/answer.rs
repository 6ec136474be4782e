//! From the bytes of one `/api/chat` response to the events of one answer.

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures::{Stream, StreamExt};

use super::{lines::Lines, wire};
use crate::{answer::ChatEvent, error::ModelError};

/// The longest line that is read: a piece of an answer is a few words.
const LONGEST_LINE: usize = 1 << 20;

/// The events in a response's body. It must say that it is done, otherwise it was interrupted.
#[derive(Debug)]
pub(super) struct Answer<S> {
    body: S,
    lines: Lines,
    reader: wire::Reader,
    /// What the last lines said and has not been taken yet.
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

impl<S, E> Answer<S>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    pub(super) fn new(body: S) -> Self {
        Self {
            body,
            lines: Lines::new(LONGEST_LINE),
            reader: wire::Reader::default(),
            events: VecDeque::new(),
            state: State::Reading,
        }
    }

    /// Reads lines until one of them says something or another chunk is needed.
    fn read_lines(&mut self) -> Result<(), ModelError> {
        while self.events.is_empty() {
            match self.lines.next() {
                Ok(Some([])) => {}
                Ok(Some(line)) => wire::read(&mut self.reader, line, &mut self.events)?,
                Ok(None) => break,
                Err(_) => return Err(ModelError::Malformed),
            }
        }
        Ok(())
    }

    /// Reads what came after the last line end. A whole line counts; a part of one is a cut.
    fn read_rest(&mut self) -> Result<(), ModelError> {
        match wire::read(&mut self.reader, self.lines.rest(), &mut self.events) {
            Err(error @ ModelError::ModelReported(_)) => Err(error),
            Ok(()) if matches!(self.events.back(), Some(ChatEvent::Done(_))) => Ok(()),
            _ => Err(ModelError::Interrupted),
        }
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Result<ChatEvent, ModelError>> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Poll::Ready(Ok(event));
            }
            self.read_lines()?;
            if self.events.is_empty() {
                match ready!(self.body.poll_next_unpin(cx)) {
                    Some(Ok(chunk)) => self.lines.push(chunk),
                    Some(Err(_)) => return Poll::Ready(Err(ModelError::Interrupted)),
                    None => self.read_rest()?,
                }
            }
        }
    }
}

impl<S, E> Stream for Answer<S>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
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
                // Whatever still comes is not part of the answer.
                let _ = ready!(self.body.poll_next_unpin(cx));
                self.state = State::Over;
                Poll::Ready(None)
            }
            State::Over => Poll::Ready(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::{FutureExt, stream};

    use super::*;

    const HI: &str = "{\"message\":{\"content\":\"Hi\"},\"done\":false}\n";
    const DONE: &str = "{\"message\":{\"content\":\"\"},\"done\":true}\n";

    /// The events of a body of these chunks as words; an `Err` chunk is a broken connection.
    fn events(chunks: &[Result<&str, ()>]) -> Vec<String> {
        let chunks: Vec<_> = chunks
            .iter()
            .map(|chunk| chunk.map(|text| Bytes::from(text.to_owned())))
            .collect();
        let events = Answer::new(stream::iter(chunks)).map(|event| match event {
            Ok(ChatEvent::Text(text)) => text,
            Ok(ChatEvent::Thinking(text)) => format!("({text})"),
            Ok(ChatEvent::ToolCall(call)) => format!("{}({})", call.name.unwrap(), call.arguments),
            Ok(ChatEvent::Done(_)) => "done".to_owned(),
            Err(error) => error.code().to_owned(),
        });
        events.collect().now_or_never().unwrap()
    }

    #[test]
    fn all_cuts_give_the_same_answer() {
        let text = format!("{HI}\n{HI}{DONE}");
        for cut in 0..=text.len() {
            assert_eq!(
                events(&[Ok(&text[..cut]), Ok(&text[cut..])]),
                ["Hi", "Hi", "done"],
                "cut at {cut}"
            );
        }
    }

    #[test]
    fn the_last_line_end_may_be_missing() {
        assert_eq!(events(&[Ok(HI), Ok(DONE.trim_end())]), ["Hi", "done"]);
    }

    #[test]
    fn without_done_it_was_interrupted() {
        assert_eq!(events(&[]), ["interrupted"]);
        assert_eq!(events(&[Ok(HI)]), ["Hi", "interrupted"]);
        assert_eq!(events(&[Ok(HI), Ok(&DONE[..20])]), ["Hi", "interrupted"]);
        assert_eq!(events(&[Ok(HI), Ok(HI.trim_end())]), ["Hi", "interrupted"]);
        assert_eq!(events(&[Ok(HI), Err(()), Ok(DONE)]), ["Hi", "interrupted"]);
    }

    #[test]
    fn an_error_ends_it_whatever_follows() {
        let error = "{\"error\":\"no memory\"}";
        assert_eq!(
            events(&[Ok(HI), Ok(&format!("{error}\n{DONE}"))]),
            ["Hi", "model_reported"]
        );
        assert_eq!(events(&[Ok(HI), Ok(error)]), ["Hi", "model_reported"]);
        assert_eq!(
            events(&[Ok(HI), Ok("oops\n"), Ok(DONE)]),
            ["Hi", "malformed"]
        );
    }

    #[test]
    fn what_follows_done_is_not_read() {
        assert_eq!(events(&[Ok(DONE), Ok(HI), Ok("oops\n")]), ["done"]);
        assert_eq!(events(&[Ok(&format!("{DONE}{HI}"))]), ["done"]);
    }

    #[test]
    fn a_line_without_end_is_malformed_before_it_fills_the_memory() {
        let piece = "x".repeat(300 << 10);
        assert_eq!(
            events(&[Ok(HI), Ok(&piece), Ok(&piece), Ok(&piece), Ok(&piece)]),
            ["Hi", "malformed"]
        );
    }
}
