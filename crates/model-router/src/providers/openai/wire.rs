//! What chunks of a completion say.

use std::{borrow::Cow, collections::VecDeque};

use super::chunk::{Call, Chunk, Delta, Text, Usage};
use crate::{
    answer::{ChatEvent, ChatUsage, FinishReason, ToolCallDelta},
    error::{ModelError, plain},
    providers::http::Said,
};

/// What of an answer is needed to read its next chunk.
#[derive(Debug, Default)]
pub(super) struct Reader {
    pieces: u32,
    /// One more than the highest index of a tool's call.
    calls: u32,
    finish: Option<FinishReason>,
    usage: Option<Usage>,
    over: bool,
}

impl Reader {
    /// Reads one event's data and adds what it says to `events`.
    pub(super) fn read(
        &mut self,
        data: &[u8],
        events: &mut VecDeque<ChatEvent>,
    ) -> Result<(), ModelError> {
        if data == b"[DONE]" {
            self.finish.get_or_insert(FinishReason::Other);
            return self.end(events);
        }
        // Without this an array of the fields would pass, too.
        if data.trim_ascii_start().first() != Some(&b'{') {
            return Err(ModelError::Malformed);
        }
        let chunk: Chunk<'_> = serde_json::from_slice(data).map_err(|error| {
            // Its place and kind, never the text: that is somebody's conversation.
            tracing::debug!(column = error.column(), kind = ?error.classify(), "malformed chunk");
            ModelError::Malformed
        })?;
        if let Some(Said(error)) = chunk.error {
            return Err(ModelError::ModelReported(plain(&error, 300)));
        }
        if let Some(choice) = chunk.choices {
            if let Some(delta) = choice.delta {
                self.delta(delta, events)?;
            }
            self.finish = choice.finish_reason.map(finish).or(self.finish);
        }
        self.usage = chunk.usage.or(self.usage);
        match chunk.usage {
            // Nothing but `[DONE]` can follow, which some servers leave out.
            Some(_) if self.finish.is_some() => self.end(events),
            _ => Ok(()),
        }
    }

    fn delta(
        &mut self,
        delta: Delta<'_>,
        events: &mut VecDeque<ChatEvent>,
    ) -> Result<(), ModelError> {
        let before = events.len();
        let thinking = [delta.reasoning_content, delta.reasoning];
        let thinking = thinking.into_iter().flatten().find_map(text);
        events.extend(thinking.map(ChatEvent::Thinking));
        let said = [delta.content, delta.refusal];
        events.extend(
            said.into_iter()
                .flatten()
                .filter_map(text)
                .map(ChatEvent::Text),
        );
        for call in delta.tool_calls.into_iter().flatten() {
            events.push_back(ChatEvent::ToolCall(self.call(call)?));
        }
        let pieces = u32::try_from(events.len() - before).unwrap_or(u32::MAX);
        self.pieces = self.pieces.saturating_add(pieces);
        Ok(())
    }

    fn call(&mut self, call: Call) -> Result<ToolCallDelta, ModelError> {
        // Some servers leave out the index, and then send each call whole.
        let index = call.index.unwrap_or(self.calls);
        let new = index >= self.calls;
        if new {
            self.calls = index.checked_add(1).ok_or(ModelError::Malformed)?;
        }
        let clean = |text: String| self::text(Text(Cow::Owned(text)));
        let id = call.id.and_then(clean);
        let (name, arguments) = match call.function {
            Some(function) => (function.name.and_then(clean), function.arguments),
            None => (None, None),
        };
        Ok(ToolCallDelta {
            index,
            id: match id {
                None if new => Some(format!("call_{:016x}", rand::random::<u64>())),
                id => id.filter(|_| new),
            },
            name,
            arguments: arguments.and_then(clean).unwrap_or_default(),
        })
    }

    /// Adds the end of the answer.
    ///
    /// # Errors
    /// If nothing said that it is complete.
    pub(super) fn end(&mut self, events: &mut VecDeque<ChatEvent>) -> Result<(), ModelError> {
        if self.over {
            return Ok(());
        }
        let finish_reason = self.finish.ok_or(ModelError::Interrupted)?;
        self.over = true;
        events.push_back(ChatEvent::Done(ChatUsage {
            prompt_tokens: self.usage.map_or(0, |usage| count(usage.prompt_tokens)),
            completion_tokens: self
                .usage
                .map_or(self.pieces, |usage| count(usage.completion_tokens)),
            load_ms: 0,
            prompt_eval_ms: 0,
            eval_ms: 0,
            finish_reason,
        }));
        Ok(())
    }
}

fn finish(Text(reason): Text<'_>) -> FinishReason {
    match &*reason {
        "stop" => FinishReason::Stop,
        "length" => FinishReason::Length,
        "tool_calls" | "function_call" => FinishReason::ToolCalls,
        "content_filter" => FinishReason::ContentFilter,
        _ => FinishReason::Other,
    }
}

/// Text without NULs, unless that is nothing.
fn text(Text(text): Text<'_>) -> Option<String> {
    let mut text = text.into_owned();
    if memchr::memchr(0, text.as_bytes()).is_some() {
        text.retain(|char| char != '\0');
    }
    (!text.is_empty()).then_some(text)
}

pub(super) fn count(tokens: i64) -> u32 {
    u32::try_from(tokens.max(0)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(data: &[&str]) -> Result<Vec<ChatEvent>, ModelError> {
        let (mut reader, mut events) = (Reader::default(), VecDeque::new());
        for data in data {
            reader.read(data.as_bytes(), &mut events)?;
        }
        Ok(events.into())
    }

    fn said(text: &str) -> ChatEvent {
        ChatEvent::Text(text.to_owned())
    }

    #[test]
    fn pieces_of_text_and_thinking() {
        let chunk = r#"{"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"role":"assistant","content":"\"\u00e4\"\u0000","reasoning_content":"Hm"},"logprobs":null,"finish_reason":null},{"index":1}],"usage":null}"#;
        assert_eq!(
            events(&[chunk]),
            Ok(vec![ChatEvent::Thinking("Hm".to_owned()), said("\"ä\"")])
        );
        let refused = r#"{"choices":[{"delta":{"content":null,"refusal":"No.","reasoning":""}}]}"#;
        assert_eq!(events(&[refused]), Ok(vec![said("No.")]));
        for nothing in [
            "{}",
            r#"{"choices":null}"#,
            r#"{"choices":[]}"#,
            r#"{"choices":[{}]}"#,
            r#"{"choices":[{"delta":null}]}"#,
            r#"{"choices":[{"delta":{"content":""}}],"x":[{}]}"#,
        ] {
            assert_eq!(events(&[nothing]), Ok(vec![]), "{nothing}");
        }
    }

    #[test]
    fn tools_are_called_in_pieces() {
        let chunk =
            |calls: &str| format!(r#"{{"choices":[{{"delta":{{"tool_calls":{calls}}}}}]}}"#);
        let first = chunk(
            r#"[{"index":0,"id":"call_7","type":"function","function":{"name":"now","arguments":""}}]"#,
        );
        let more = chunk(
            r#"[{"index":0,"id":"","function":{"arguments":"{}"}},{"index":1,"function":{"name":"b"}}]"#,
        );
        let end = r#"{"choices":[{"delta":{},"finish_reason":"tool_calls"}]}"#;
        let events = events(&[&first, &more, end, "[DONE]"]).unwrap();
        let [
            ChatEvent::ToolCall(first),
            ChatEvent::ToolCall(more),
            ChatEvent::ToolCall(other),
            ChatEvent::Done(usage),
        ] = &events[..]
        else {
            panic!("{events:?}")
        };
        assert_eq!((first.index, first.id.as_deref()), (0, Some("call_7")));
        assert_eq!(
            (first.name.as_deref(), first.arguments.as_str()),
            (Some("now"), "")
        );
        assert_eq!(
            (more.index, &more.id, more.arguments.as_str()),
            (0, &None, "{}")
        );
        assert_eq!(other.index, 1);
        assert!(other.id.as_ref().unwrap().starts_with("call_"));
        assert_eq!(usage.finish_reason, FinishReason::ToolCalls);
        let many = chunk(r#"[{"index":4294967295}]"#);
        assert_eq!(super::tests::events(&[&many]), Err(ModelError::Malformed));
    }

    #[test]
    fn the_end_with_its_counts() {
        for (reason, expected) in [
            ("stop", FinishReason::Stop),
            ("length", FinishReason::Length),
            ("content_filter", FinishReason::ContentFilter),
            ("eos", FinishReason::Other),
        ] {
            let stop = format!(r#"{{"choices":[{{"delta":{{}},"finish_reason":"{reason}"}}]}}"#);
            let counts = r#"{"choices":[],"usage":{"prompt_tokens":26,"completion_tokens":-1,"total_tokens":9}}"#;
            let events = events(&[&stop, counts, "[DONE]"]).unwrap();
            let [ChatEvent::Done(usage)] = &events[..] else {
                panic!("{events:?}")
            };
            assert_eq!((usage.prompt_tokens, usage.completion_tokens), (26, 0));
            assert_eq!(usage.finish_reason, expected);
        }
    }

    #[test]
    fn what_is_not_the_protocol_is_malformed() {
        let deep = "[".repeat(100_000);
        for data in [
            "",
            "[]",
            "<html>",
            "{\"choices\":3}",
            "{\"choices\":[3]}",
            "{\"choices\":[{\"delta\":{\"content\":[]}}]}",
            "{} {}",
            &deep,
        ] {
            assert_eq!(events(&[data]), Err(ModelError::Malformed), "{data:.40}");
        }
    }
}
