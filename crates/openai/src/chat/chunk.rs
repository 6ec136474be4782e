//! A streamed answer: `chat.completion.chunk` objects as server-sent events.

use std::io::Write;

use bytes::{BufMut, Bytes, BytesMut};
use onelastai_model_router::{ChatEvent, ChatUsage};
use serde::Serialize;

use super::{Details, Head, Usage, response::reason};
use crate::{ApiError, ErrorBody};

/// Writes the events of one answer. What all of them share is written once; a chunk of text
/// is then three copies.
#[derive(Debug)]
pub struct ChunkEncoder {
    /// `data: {"id":…,"model":"…","choices":[{"index":0,"delta":`
    opening: Box<[u8]>,
    /// Where the choices begin in it.
    choices: usize,
    begun: bool,
    calls: bool,
}

const CLOSING: &[u8] = b",\"logprobs\":null,\"finish_reason\":null}]}\n\n";

impl ChunkEncoder {
    /// For one answer.
    pub fn new(head: &Head) -> Self {
        #[derive(Serialize)]
        struct Opening<'a> {
            id: &'a str,
            object: &'static str,
            created: i64,
            model: &'a str,
        }
        let mut opening = b"data: ".to_vec();
        write_json(
            &mut opening,
            &Opening {
                id: &head.id,
                object: "chat.completion.chunk",
                created: head.created,
                model: &head.model,
            },
        );
        opening.pop(); // The brace: choices follow.
        let choices = opening.len();
        opening.extend_from_slice(b",\"choices\":[{\"index\":0,\"delta\":");
        Self {
            opening: opening.into(),
            choices,
            begun: false,
            calls: false,
        }
    }

    /// Adds one piece; the end is not one ([`Self::end`]).
    pub fn piece(&mut self, event: &ChatEvent, out: &mut BytesMut) {
        #[derive(Serialize)]
        struct Call<'a> {
            index: u32,
            #[serde(skip_serializing_if = "Option::is_none")]
            id: Option<&'a str>,
            #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
            kind: Option<&'static str>,
            function: CalledFunction<'a>,
        }
        #[derive(Serialize)]
        struct CalledFunction<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            name: Option<&'a str>,
            arguments: &'a str,
        }
        if matches!(event, ChatEvent::Done(_)) {
            return;
        }
        out.reserve(self.opening.len() + CLOSING.len() + 128);
        out.put_slice(&self.opening);
        out.put_u8(b'{');
        if !self.begun {
            self.begun = true;
            out.put_slice(b"\"role\":\"assistant\",");
        }
        match event {
            ChatEvent::Text(text) => {
                out.put_slice(b"\"content\":");
                write_json(&mut out.writer(), text);
            }
            ChatEvent::Thinking(text) => {
                out.put_slice(b"\"reasoning_content\":");
                write_json(&mut out.writer(), text);
            }
            ChatEvent::ToolCall(call) => {
                self.calls = true;
                out.put_slice(b"\"tool_calls\":[");
                write_json(
                    &mut out.writer(),
                    &Call {
                        index: call.index,
                        id: call.id.as_deref(),
                        kind: call.id.as_ref().map(|_| "function"),
                        function: CalledFunction {
                            name: call.name.as_deref(),
                            arguments: &call.arguments,
                        },
                    },
                );
                out.put_u8(b']');
            }
            ChatEvent::Done(_) => {}
        }
        out.put_u8(b'}');
        out.put_slice(CLOSING);
    }

    /// The last events: why it ended, the tokens where they are wanted, and `[DONE]`.
    pub fn end(&self, usage: &ChatUsage, wanted: bool, details: Option<&Details>) -> Bytes {
        let reason = reason(usage.finish_reason, self.calls);
        let mut out = BytesMut::with_capacity(self.opening.len() * 2 + 512);
        out.put_slice(&self.opening);
        out.put_slice(b"{},\"logprobs\":null,\"finish_reason\":\"");
        out.put_slice(reason.as_bytes());
        out.put_slice(b"\"}]");
        if let Some(details) = details {
            out.put_slice(b",\"onelastai\":");
            write_json(&mut (&mut out).writer(), details);
        }
        out.put_slice(b"}\n\n");
        if wanted {
            out.put_slice(&self.opening[..self.choices]);
            out.put_slice(b",\"choices\":[],\"usage\":");
            let usage = Usage::new(usage.prompt_tokens, usage.completion_tokens);
            write_json(&mut (&mut out).writer(), &usage);
            out.put_slice(b"}\n\n");
        }
        out.put_slice(b"data: [DONE]\n\n");
        out.freeze()
    }

    /// An error after the stream has begun. No `[DONE]` follows: the answer is not whole.
    pub fn error(error: ApiError) -> Bytes {
        let mut out = b"data: ".to_vec();
        write_json(&mut out, &ErrorBody { error });
        out.extend_from_slice(b"\n\n");
        out.into()
    }
}

/// Nothing that is written here can fail: all keys are texts, and memory doesn't refuse.
fn write_json<T: Serialize + ?Sized>(out: &mut impl Write, value: &T) {
    let written = serde_json::to_writer(out, value);
    debug_assert!(written.is_ok());
}

#[cfg(test)]
mod tests {
    use onelastai_model_router::{FinishReason, ToolCallDelta};
    use serde_json::{Value, json};

    use super::*;

    fn encoder() -> ChunkEncoder {
        ChunkEncoder::new(&Head {
            id: "chatcmpl-1".to_owned(),
            created: 7,
            model: "a \"model\"".to_owned(),
        })
    }

    fn usage(finish_reason: FinishReason) -> ChatUsage {
        ChatUsage {
            prompt_tokens: 3,
            completion_tokens: 4,
            load_ms: 0,
            prompt_eval_ms: 0,
            eval_ms: 0,
            finish_reason,
        }
    }

    /// The JSON of each event.
    fn events(bytes: &[u8]) -> Vec<Value> {
        let text = std::str::from_utf8(bytes).unwrap();
        text.split_terminator("\n\n")
            .map(|event| {
                let data = event.strip_prefix("data: ").unwrap();
                assert!(!data.contains('\n'), "an event is one line");
                match data {
                    "[DONE]" => Value::Null,
                    data => serde_json::from_str(data).unwrap(),
                }
            })
            .collect()
    }

    #[test]
    fn pieces_are_chunks_and_the_first_says_whose() {
        let (mut encoder, mut out) = (encoder(), BytesMut::new());
        for text in ["Hi", " \"you\"\r\n\u{2028}"] {
            encoder.piece(&ChatEvent::Text(text.to_owned()), &mut out);
        }
        let seen = events(&out);
        assert_eq!(
            seen[0]["choices"][0]["delta"],
            json!({"role": "assistant", "content": "Hi"})
        );
        assert_eq!(
            seen[1]["choices"][0]["delta"],
            json!({"content": " \"you\"\r\n\u{2028}"})
        );
        assert_eq!(seen[1]["id"], "chatcmpl-1");
        assert_eq!(seen[1]["model"], "a \"model\"");
        assert_eq!(seen[1]["choices"][0]["finish_reason"], Value::Null);
    }

    #[test]
    fn a_chunk_has_the_bytes_that_serde_gives() {
        #[derive(Serialize)]
        struct Chunk<'a> {
            id: &'a str,
            object: &'a str,
            created: i64,
            model: &'a str,
            choices: [Choice<'a>; 1],
        }
        #[derive(Serialize)]
        struct Choice<'a> {
            index: u32,
            delta: Delta<'a>,
            logprobs: Option<()>,
            finish_reason: Option<&'a str>,
        }
        #[derive(Serialize)]
        struct Delta<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            role: Option<&'a str>,
            content: &'a str,
        }
        let (mut encoder, mut out) = (encoder(), BytesMut::new());
        for (role, text) in [
            (Some("assistant"), "Hi"),
            (None, "\"\\\u{1}\n\u{7f}\u{2028}ä😀"),
        ] {
            out.clear();
            encoder.piece(&ChatEvent::Text(text.to_owned()), &mut out);
            let chunk = Chunk {
                id: "chatcmpl-1",
                object: "chat.completion.chunk",
                created: 7,
                model: "a \"model\"",
                choices: [Choice {
                    index: 0,
                    delta: Delta {
                        role,
                        content: text,
                    },
                    logprobs: None,
                    finish_reason: None,
                }],
            };
            let expected = format!("data: {}\n\n", serde_json::to_string(&chunk).unwrap());
            assert_eq!(std::str::from_utf8(&out).unwrap(), expected);
        }
    }

    #[test]
    fn the_end_tells_why_and_what_it_took() {
        let seen = events(&encoder().end(&usage(FinishReason::Length), true, None));
        assert_eq!(seen[0]["choices"][0]["finish_reason"], "length");
        assert_eq!(seen[1]["choices"], json!([]));
        assert_eq!(
            seen[1]["usage"],
            json!({"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7})
        );
        assert_eq!(seen[2], Value::Null);
        assert_eq!(
            events(&encoder().end(&usage(FinishReason::Stop), false, None)).len(),
            2
        );
    }

    #[test]
    fn calls_of_tools_are_pieces_too() {
        let (mut encoder, mut out) = (encoder(), BytesMut::new());
        encoder.piece(
            &ChatEvent::ToolCall(ToolCallDelta {
                index: 0,
                id: Some("call_1".to_owned()),
                name: Some("f".to_owned()),
                arguments: "{\"a\":".to_owned(),
            }),
            &mut out,
        );
        let delta = &events(&out)[0]["choices"][0]["delta"];
        assert_eq!(
            delta["tool_calls"],
            json!([{"index": 0, "id": "call_1", "type": "function",
                    "function": {"name": "f", "arguments": "{\"a\":"}}])
        );
        let end = events(&encoder.end(&usage(FinishReason::Stop), false, None));
        assert_eq!(end[0]["choices"][0]["finish_reason"], "tool_calls");
        let cut = events(&encoder.end(&usage(FinishReason::Length), false, None));
        assert_eq!(cut[0]["choices"][0]["finish_reason"], "length");
    }
}
