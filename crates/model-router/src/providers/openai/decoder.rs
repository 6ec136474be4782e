//! An answer as server-sent events with a chunk of a completion in each.

use std::collections::VecDeque;

use bytes::Bytes;

use super::{sse::Sse, wire::Reader};
use crate::{
    answer::ChatEvent,
    error::ModelError,
    providers::answer::{Decode, LONGEST_LINE},
};

/// Events, and what they say.
#[derive(Debug)]
pub(super) struct Decoder {
    sse: Sse,
    reader: Reader,
}

impl Default for Decoder {
    fn default() -> Self {
        Self {
            sse: Sse::new(LONGEST_LINE),
            reader: Reader::default(),
        }
    }
}

impl Decode for Decoder {
    fn push(&mut self, chunk: Bytes) {
        self.sse.push(chunk);
    }

    fn read(&mut self, events: &mut VecDeque<ChatEvent>) -> Result<(), ModelError> {
        while events.is_empty() {
            match self.sse.next() {
                Ok(Some(data)) => self.reader.read(data, events)?,
                Ok(None) => break,
                Err(_) => return Err(ModelError::Malformed),
            }
        }
        Ok(())
    }

    /// An answer is complete once `[DONE]` or a reason for its end was there; only the counts
    /// may still be missing then.
    fn finish(&mut self, _cut: bool, events: &mut VecDeque<ChatEvent>) -> Result<(), ModelError> {
        let rest = self.sse.rest();
        if !rest.is_empty() {
            match self.reader.read(rest, events) {
                Ok(()) | Err(ModelError::Malformed) => {}
                Err(error) => return Err(error),
            }
        }
        self.reader.end(events)
    }
}

#[cfg(test)]
mod tests {
    use futures::{FutureExt, StreamExt, stream};

    use super::*;
    use crate::providers::answer::Answer;

    const HI: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n";
    const STOP: &str = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
    const COUNTS: &str =
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":9}}\n\n";
    const DONE: &str = "data: [DONE]\n\n";

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
                Ok(ChatEvent::ToolCall(call)) => format!("[{}]", call.arguments),
                Ok(ChatEvent::Done(usage)) => format!("done {}", usage.completion_tokens),
                Err(error) => error.code().to_owned(),
            });
        events.collect().now_or_never().unwrap()
    }

    #[test]
    fn all_cuts_give_the_same_answer() {
        let text = format!("{HI}: ping\r\n\r\n{HI}{STOP}{COUNTS}{DONE}");
        for cut in 0..=text.len() {
            assert_eq!(
                events(&[Ok(&text[..cut]), Ok(&text[cut..])]),
                ["Hi", "Hi", "done 9"],
                "cut at {cut}"
            );
        }
    }

    #[test]
    fn without_counts_the_pieces_are_counted() {
        assert_eq!(
            events(&[Ok(HI), Ok(HI), Ok(STOP), Ok(DONE)]),
            ["Hi", "Hi", "done 2"]
        );
    }

    #[test]
    fn done_or_a_reason_for_the_end_makes_it_complete() {
        assert_eq!(events(&[Ok(HI), Ok(STOP)]), ["Hi", "done 1"]);
        assert_eq!(events(&[Ok(HI), Ok(STOP), Err(())]), ["Hi", "done 1"]);
        assert_eq!(events(&[Ok(HI), Ok(DONE)]), ["Hi", "done 1"]);
        assert_eq!(events(&[Ok(HI), Ok(DONE.trim_end())]), ["Hi", "done 1"]);
        assert_eq!(
            events(&[Ok(HI), Ok(STOP), Ok(&COUNTS[..30])]),
            ["Hi", "done 1"]
        );
    }

    #[test]
    fn without_either_it_was_interrupted() {
        assert_eq!(events(&[]), ["interrupted"]);
        assert_eq!(events(&[Ok(HI)]), ["Hi", "interrupted"]);
        assert_eq!(events(&[Ok(HI), Ok(&STOP[..40])]), ["Hi", "interrupted"]);
        assert_eq!(events(&[Ok(HI), Err(()), Ok(DONE)]), ["Hi", "interrupted"]);
    }

    #[test]
    fn an_error_ends_it_whatever_follows() {
        let object = "data: {\"error\":{\"message\":\"no memory\",\"code\":500}}\n\n";
        let named = "event: error\ndata: \"out\"\n\n";
        for error in [object, object.trim_end()] {
            assert_eq!(events(&[Ok(HI), Ok(error)]), ["Hi", "model_reported"]);
        }
        assert_eq!(
            events(&[Ok(HI), Ok(object), Ok(DONE)]),
            ["Hi", "model_reported"]
        );
        assert_eq!(events(&[Ok(HI), Ok(named), Ok(DONE)]), ["Hi", "malformed"]);
        assert_eq!(
            events(&[Ok(HI), Ok("data: oops\n\n"), Ok(DONE)]),
            ["Hi", "malformed"]
        );
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
