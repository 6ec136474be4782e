//! Ollama's answers: a JSON object in each line.

use std::collections::VecDeque;

use bytes::Bytes;

use super::wire;
use crate::{
    answer::ChatEvent,
    error::ModelError,
    providers::{
        answer::{Decode, LONGEST_LINE},
        lines::Lines,
    },
};

/// Lines, and what they say.
#[derive(Debug)]
pub(super) struct Decoder {
    lines: Lines,
    reader: wire::Reader,
}

impl Default for Decoder {
    fn default() -> Self {
        Self {
            lines: Lines::new(LONGEST_LINE),
            reader: wire::Reader::default(),
        }
    }
}

impl Decode for Decoder {
    fn push(&mut self, chunk: Bytes) {
        self.lines.push(chunk);
    }

    fn read(&mut self, events: &mut VecDeque<ChatEvent>) -> Result<(), ModelError> {
        while events.is_empty() {
            match self.lines.next() {
                Ok(Some([])) => {}
                Ok(Some(line)) => wire::read(&mut self.reader, line, events)?,
                Ok(None) => break,
                Err(_) => return Err(ModelError::Malformed),
            }
        }
        Ok(())
    }

    /// What came after the last line end: a whole line counts; a part of one is a cut.
    fn finish(&mut self, cut: bool, events: &mut VecDeque<ChatEvent>) -> Result<(), ModelError> {
        match wire::read(&mut self.reader, self.lines.rest(), events) {
            _ if cut => Err(ModelError::Interrupted),
            Err(error @ ModelError::ModelReported(_)) => Err(error),
            Ok(()) if matches!(events.back(), Some(ChatEvent::Done(_))) => Ok(()),
            _ => Err(ModelError::Interrupted),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::{FutureExt, StreamExt, stream};

    use super::*;
    use crate::providers::answer::Answer;

    const HI: &str = "{\"message\":{\"content\":\"Hi\"},\"done\":false}\n";
    const DONE: &str = "{\"message\":{\"content\":\"\"},\"done\":true}\n";

    /// The events of a body of these chunks as words; an `Err` chunk is a broken connection.
    fn events(chunks: &[Result<&str, ()>]) -> Vec<String> {
        let chunks: Vec<_> = chunks
            .iter()
            .map(|chunk| chunk.map(|text| Bytes::from(text.to_owned())))
            .collect();
        let events =
            Answer::new(stream::iter(chunks), Decoder::default()).map(|event| match event {
                Ok(ChatEvent::Text(text)) => text,
                Ok(ChatEvent::Thinking(text)) => format!("({text})"),
                Ok(ChatEvent::ToolCall(call)) => {
                    format!("{}({})", call.name.unwrap(), call.arguments)
                }
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
