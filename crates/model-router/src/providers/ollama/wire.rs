//! The JSON of Ollama's `/api/chat` (its `docs/api.md`, "Generate a chat completion").

use std::{borrow::Cow, collections::VecDeque};

use serde::{Deserialize, Serialize};

use crate::{
    chat::{ChatEvent, ChatMessage, ChatRequest, ChatUsage, FinishReason, Parameters},
    config::ModelSpec,
    error::{ModelError, plain},
};

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: &'a [ChatMessage],
    stream: bool,
    options: Options<'a>,
}

#[derive(Serialize)]
struct Options<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    num_predict: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    num_ctx: Option<u32>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    stop: &'a [String],
}

/// The request for a streamed answer.
pub(super) fn body(model: &ModelSpec, request: &ChatRequest) -> serde_json::Result<Vec<u8>> {
    let Parameters {
        temperature,
        top_p,
        seed,
        max_tokens,
        ref stop,
        num_ctx,
    } = request.parameters;
    serde_json::to_vec(&Body {
        model: &model.engine_name,
        messages: &request.messages,
        stream: true,
        options: Options {
            temperature,
            top_p,
            seed,
            num_predict: max_tokens,
            num_ctx: num_ctx.map(|tokens| tokens.min(model.context_length)),
            stop,
        },
    })
}

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
}

/// Reads one line and adds what it says to `events`: nothing, a piece of text or thinking, the
/// end, or several of these.
pub(super) fn read(line: &[u8], events: &mut VecDeque<ChatEvent>) -> Result<(), ModelError> {
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
    }
    if line.done {
        events.push_back(ChatEvent::Done(ChatUsage {
            prompt_tokens: count(line.prompt_eval_count),
            completion_tokens: count(line.eval_count),
            load_ms: milliseconds(line.load_duration),
            prompt_eval_ms: milliseconds(line.prompt_eval_duration),
            eval_ms: milliseconds(line.eval_duration),
            finish_reason: match line.done_reason.as_deref() {
                Some("stop") => FinishReason::Stop,
                Some("length") => FinishReason::Length,
                _ => FinishReason::Other,
            },
        }));
    }
    Ok(())
}

/// What an engine says in `{"error":"…"}`, if it is that.
pub(super) fn error_text(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Refusal {
        error: String,
    }
    serde_json::from_slice::<Refusal>(body)
        .ok()
        .map(|refusal| refusal.error)
}

fn text(text: Cow<'_, str>) -> Option<String> {
    let mut text = text.into_owned();
    if text.contains('\0') {
        text.retain(|char| char != '\0');
    }
    (!text.is_empty()).then_some(text)
}

fn count(tokens: i64) -> u32 {
    u32::try_from(tokens.max(0)).unwrap_or(u32::MAX)
}

fn milliseconds(nanoseconds: i64) -> u64 {
    nanoseconds.max(0).unsigned_abs() / 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::Role;

    fn events(line: &str) -> Result<Vec<ChatEvent>, ModelError> {
        let mut events = VecDeque::new();
        read(line.as_bytes(), &mut events).map(|()| events.into())
    }

    fn said(text: &str) -> ChatEvent {
        ChatEvent::Text(text.to_owned())
    }

    #[test]
    fn the_body_holds_what_was_asked_and_nothing_else() {
        let mut model = ModelSpec::ollama("m", "m:1b", vec![]);
        model.context_length = 2048;
        let mut request = ChatRequest {
            messages: vec![
                ChatMessage::new(Role::System, "Be \"brief\""),
                ChatMessage::new(Role::User, "Hi"),
            ],
            ..ChatRequest::default()
        };
        let text =
            |request: &ChatRequest| String::from_utf8(body(&model, request).unwrap()).unwrap();
        assert_eq!(
            text(&request),
            r#"{"model":"m:1b","messages":[{"role":"system","content":"Be \"brief\""},{"role":"user","content":"Hi"}],"stream":true,"options":{}}"#
        );
        request.messages.clear();
        request.parameters = Parameters {
            temperature: Some(0.5),
            top_p: Some(1.0),
            seed: Some(7),
            max_tokens: Some(9),
            stop: vec!["END".to_owned()],
            num_ctx: Some(9999),
        };
        assert_eq!(
            text(&request),
            r#"{"model":"m:1b","messages":[],"stream":true,"options":{"temperature":0.5,"top_p":1.0,"seed":7,"num_predict":9,"num_ctx":2048,"stop":["END"]}}"#
        );
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
        assert_eq!(
            events(r#"{"message":{"role":"assistant","content":"","tool_calls":[{"x":[1]}]}}"#),
            Ok(vec![])
        );
        assert_eq!(events(r#"{"something":"else"}"#), Ok(vec![]));
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
            "{\"done\":\"yes\"}",
            "{} {}",
            &deep,
        ] {
            assert_eq!(events(line), Err(ModelError::Malformed), "{line:.40}");
        }
        let mut none = VecDeque::new();
        assert_eq!(
            read(b"{\"message\":{\"content\":\"\xff\"}}", &mut none),
            Err(ModelError::Malformed)
        );
    }

    #[test]
    fn a_refusal_says_why_if_it_is_one() {
        assert_eq!(
            error_text(br#"{"error":"model 'x' not found"}"#).as_deref(),
            Some("model 'x' not found")
        );
        assert_eq!(error_text(b"<html>"), None);
    }
}
