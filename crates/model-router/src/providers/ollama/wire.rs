//! The JSON that comes from Ollama's `/api/chat` (its `docs/api.md`, "Generate a chat
//! completion").

use std::{borrow::Cow, collections::VecDeque};

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    answer::{ChatEvent, ChatUsage, FinishReason, ToolCallDelta},
    error::{ModelError, plain},
};

/// One line of the answer. Texts are lent from the line where they hold no escapes.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow, default)]
    message: Option<Message<'a>>,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    done: bool,
    #[serde(default)]
    done_reason: Option<String>,
    // Durations are in nanoseconds. What is 0 is left out.
    #[serde(default)]
    load_duration: i64,
    #[serde(default)]
    prompt_eval_count: i64,
    #[serde(default)]
    prompt_eval_duration: i64,
    #[serde(default)]
    eval_count: i64,
    #[serde(default)]
    eval_duration: i64,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, default)]
    content: Cow<'a, str>,
    #[serde(borrow, default)]
    thinking: Cow<'a, str>,
    /// Whole calls, never pieces of one. `null` where there are none, in some versions.
    #[serde(borrow, default)]
    tool_calls: Option<Vec<Call<'a>>>,
}

#[derive(Deserialize)]
struct Call<'a> {
    /// Only newer versions give one.
    #[serde(default)]
    id: Option<String>,
    #[serde(borrow)]
    function: Function<'a>,
}

#[derive(Deserialize)]
struct Function<'a> {
    name: String,
    #[serde(borrow, default)]
    arguments: Option<&'a RawValue>,
}

/// What of an answer is needed to read its next line.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// How many tools were called up to now.
    calls: u32,
}

/// Reads one line and adds what it says to `events`: nothing, a piece of text or thinking, the
/// end, or several of these.
pub(super) fn read(
    reader: &mut Reader,
    line: &[u8],
    events: &mut VecDeque<ChatEvent>,
) -> Result<(), ModelError> {
    // Without this an array of the fields would pass, too.
    if line.trim_ascii_start().first() != Some(&b'{') {
        return Err(ModelError::Malformed);
    }
    let line: Line<'_> = serde_json::from_slice(line).map_err(|error| {
        // Its place and kind, never the text: that is somebody's conversation.
        tracing::debug!(column = error.column(), kind = ?error.classify(), "malformed line");
        ModelError::Malformed
    })?;
    if let Some(error) = &line.error {
        return Err(ModelError::ModelReported(plain(error, 300)));
    }
    if let Some(message) = line.message {
        events.extend(text(message.thinking).map(ChatEvent::Thinking));
        events.extend(text(message.content).map(ChatEvent::Text));
        for call in message.tool_calls.into_iter().flatten() {
            events.push_back(ChatEvent::ToolCall(delta(reader.calls, call)));
            reader.calls += 1;
        }
    }
    if line.done {
        events.push_back(ChatEvent::Done(ChatUsage {
            prompt_tokens: count(line.prompt_eval_count),
            completion_tokens: count(line.eval_count),
            load_ms: milliseconds(line.load_duration),
            prompt_eval_ms: milliseconds(line.prompt_eval_duration),
            eval_ms: milliseconds(line.eval_duration),
            finish_reason: match line.done_reason.as_deref() {
                // Ollama has no name of its own for it.
                Some("stop") if reader.calls > 0 => FinishReason::ToolCalls,
                Some("stop") => FinishReason::Stop,
                Some("length") => FinishReason::Length,
                _ => FinishReason::Other,
            },
        }));
    }
    Ok(())
}

/// A whole call as one piece.
fn delta(index: u32, call: Call<'_>) -> ToolCallDelta {
    let id = call.id.filter(|id| !id.is_empty());
    let arguments = call.function.arguments.map_or("{}", RawValue::get);
    ToolCallDelta {
        index,
        id: Some(id.unwrap_or_else(call_id)),
        name: Some(text(Cow::Owned(call.function.name)).unwrap_or_default()),
        arguments: arguments.to_owned(),
    }
}

/// A name for a call that has none.
pub(super) fn call_id() -> String {
    format!("call_{:016x}", rand::random::<u64>())
}

/// Text without NULs, unless that is nothing.
fn text(text: Cow<'_, str>) -> Option<String> {
    let mut text = text.into_owned();
    if text.contains('\0') {
        text.retain(|char| char != '\0');
    }
    (!text.is_empty()).then_some(text)
}

pub(super) fn count(tokens: i64) -> u32 {
    u32::try_from(tokens.max(0)).unwrap_or(u32::MAX)
}

fn milliseconds(nanoseconds: i64) -> u64 {
    nanoseconds.max(0).unsigned_abs() / 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(line: &str) -> Result<Vec<ChatEvent>, ModelError> {
        let mut events = VecDeque::new();
        read(&mut Reader::default(), line.as_bytes(), &mut events).map(|()| events.into())
    }

    fn said(text: &str) -> ChatEvent {
        ChatEvent::Text(text.to_owned())
    }

    #[test]
    fn pieces_of_text_and_thinking() {
        let line = r#"{"model":"m","created_at":"2026-01-01T00:00:00Z","message":{"role":"assistant","content":"Hi"},"done":false}"#;
        assert_eq!(events(line), Ok(vec![said("Hi")]));
        let line =
            r#"{"message":{"role":"assistant","content":"So","thinking":"Hm\n"},"done":false}"#;
        assert_eq!(
            events(line),
            Ok(vec![ChatEvent::Thinking("Hm\n".to_owned()), said("So")])
        );
        let line = r#"{"message":{"content":"\"\u00e4\"\n\ud83d\ude00"}}"#;
        assert_eq!(events(line), Ok(vec![said("\"ä\"\n😀")]));
    }

    #[test]
    fn nothing_empty_and_no_nul() {
        assert_eq!(
            events(r#"{"message":{"content":"a\u0000b"}}"#),
            Ok(vec![said("ab")])
        );
        assert_eq!(events(r#"{"message":{"content":"\u0000"}}"#), Ok(vec![]));
        assert_eq!(events(r#"{"something":"else"}"#), Ok(vec![]));
    }

    #[test]
    fn tools_are_called_whole_and_get_an_id_where_they_have_none() {
        let line = r#"{"message":{"role":"assistant","content":"","tool_calls":[{"function":{"name":"weather","arguments":{"city": "Kyōto"}}},{"id":"call_7","function":{"index":1,"name":"now"}}]},"done":true,"done_reason":"stop"}"#;
        let events = events(line).unwrap();
        let [
            ChatEvent::ToolCall(first),
            ChatEvent::ToolCall(second),
            ChatEvent::Done(usage),
        ] = &events[..]
        else {
            panic!("{events:?}")
        };
        assert!(first.id.as_ref().unwrap().starts_with("call_"));
        assert_eq!((first.index, second.index), (0, 1));
        assert_eq!(first.name.as_deref(), Some("weather"));
        assert_eq!(first.arguments, r#"{"city": "Kyōto"}"#);
        assert_eq!(second.id.as_deref(), Some("call_7"));
        assert_eq!(second.arguments, "{}");
        assert_eq!(usage.finish_reason, FinishReason::ToolCalls);
        let none = r#"{"message":{"content":"Hi","tool_calls":null}}"#;
        assert_eq!(super::tests::events(none), Ok(vec![said("Hi")]));
    }

    #[test]
    fn the_end_with_its_counts() {
        let line = r#"{"message":{"role":"assistant","content":"!"},"done":true,"done_reason":"length","total_duration":9,"load_duration":6338219291,"prompt_eval_count":26,"prompt_eval_duration":130079000,"eval_count":259,"eval_duration":4232710000}"#;
        let usage = ChatUsage {
            prompt_tokens: 26,
            completion_tokens: 259,
            load_ms: 6338,
            prompt_eval_ms: 130,
            eval_ms: 4232,
            finish_reason: FinishReason::Length,
        };
        assert_eq!(events(line), Ok(vec![said("!"), ChatEvent::Done(usage)]));
        let bare = events(r#"{"done":true,"eval_count":-1,"eval_duration":-5}"#).unwrap();
        assert!(
            matches!(&bare[..], [ChatEvent::Done(usage)] if usage.completion_tokens == 0 && usage.eval_ms == 0)
        );
    }

    #[test]
    fn an_error_wins_over_everything_in_its_line() {
        let line = r#"{"error":"out of\nmemory","message":{"content":"x"},"done":true}"#;
        assert_eq!(
            events(line),
            Err(ModelError::ModelReported("out of memory".to_owned()))
        );
    }

    #[test]
    fn what_is_not_the_protocol_is_malformed() {
        let deep = "[".repeat(100_000);
        for line in [
            "",
            "<html>",
            "{\"message\":",
            "[]",
            "{\"message\":3}",
            "{\"message\":{\"tool_calls\":[{\"x\":1}]}}",
            "{\"done\":\"yes\"}",
            "{} {}",
            &deep,
        ] {
            assert_eq!(events(line), Err(ModelError::Malformed), "{line:.40}");
        }
        let mut none = VecDeque::new();
        assert_eq!(
            read(
                &mut Reader::default(),
                b"{\"message\":{\"content\":\"\xff\"}}",
                &mut none
            ),
            Err(ModelError::Malformed)
        );
    }
}
