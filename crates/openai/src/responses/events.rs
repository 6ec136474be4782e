//! A streamed answer: the events that `response` objects are streamed as
//! (<https://platform.openai.com/docs/api-reference/responses-streaming>).

use bytes::{BufMut, BytesMut};
use onelastai_model_router::{ChatEvent, ChatUsage, ToolCallDelta};
use serde_json::{Value, json};

use super::{OutputItem, OutputText, Response, ResponseHead};
use crate::{
    ApiError,
    chat::{Collected, Details},
};

/// Writes the events of one answer.
#[derive(Debug)]
pub struct EventEncoder {
    head: ResponseHead,
    collected: Collected,
    sequence: u64,
    /// The message's place in the output, once it has begun.
    message: Option<usize>,
    /// The place in the output of each call.
    calls: Vec<usize>,
    /// Parts that have begun.
    parts: usize,
}

/// How an answer ended.
#[derive(Debug)]
pub enum Outcome<'a> {
    /// It is whole.
    Done(&'a ChatUsage, Option<Details>),
    /// It failed.
    Failed(&'a ApiError),
}

impl EventEncoder {
    /// For one answer; writes that it has begun.
    pub fn new(head: ResponseHead, out: &mut BytesMut) -> Self {
        let mut encoder = Self {
            head,
            collected: Collected::default(),
            sequence: 0,
            message: None,
            calls: Vec::new(),
            parts: 0,
        };
        for name in ["response.created", "response.in_progress"] {
            let begun = json!({"response": encoder.head.begun()});
            encoder.event(name, begun, out);
        }
        encoder
    }

    /// Adds one piece; the end is not one ([`Self::end`]). Thinking is not told: the API has
    /// only summaries of it.
    pub fn piece(&mut self, event: ChatEvent, out: &mut BytesMut) {
        match &event {
            ChatEvent::Text(text) => self.text(text, out),
            ChatEvent::ToolCall(call) => self.call(call, out),
            ChatEvent::Thinking(_) | ChatEvent::Done(_) => return,
        }
        self.collected.push(event);
    }

    /// The answer, once all its pieces were added.
    pub fn response(&self, usage: &ChatUsage, details: Option<Details>) -> Response {
        self.head.whole(self.collected.clone(), usage, details)
    }

    /// It isn't kept after all, and its end says so.
    pub fn not_kept(&mut self) {
        self.head.not_kept();
    }

    /// The last events.
    pub fn end(mut self, outcome: Outcome<'_>, out: &mut BytesMut) {
        let (usage, details) = match outcome {
            Outcome::Done(usage, details) => (usage, details),
            Outcome::Failed(error) => {
                let failed = json!({"response": self.head.failed(error)});
                return self.event("response.failed", failed, out);
            }
        };
        self.end_message(out);
        for index in 0..self.calls.len() {
            self.end_call(index, out);
        }
        let collected = std::mem::take(&mut self.collected);
        let response = self.head.whole(collected, usage, details);
        let name = match response.status {
            "incomplete" => "response.incomplete",
            _ => "response.completed",
        };
        self.event(name, json!({"response": response}), out);
    }

    fn text(&mut self, text: &str, out: &mut BytesMut) {
        let place = match self.message {
            Some(place) => place,
            None => self.begin_message(out),
        };
        let delta = json!({
            "item_id": self.head.message_id(), "output_index": place, "content_index": 0,
            "delta": text, "logprobs": [],
        });
        self.event("response.output_text.delta", delta, out);
    }

    fn begin_message(&mut self, out: &mut BytesMut) -> usize {
        let place = self.begin_part();
        self.message = Some(place);
        let item = OutputItem::Message {
            id: self.head.message_id(),
            status: "in_progress",
            role: "assistant",
            content: Vec::new(),
        };
        let added = json!({"output_index": place, "item": item});
        self.event("response.output_item.added", added, out);
        let part = json!({
            "item_id": self.head.message_id(), "output_index": place, "content_index": 0,
            "part": OutputText::new(String::new()),
        });
        self.event("response.content_part.added", part, out);
        place
    }

    fn end_message(&mut self, out: &mut BytesMut) {
        let Some(place) = self.message else { return };
        let (id, text) = (self.head.message_id(), self.collected.text.clone());
        let done = json!({
            "item_id": id, "output_index": place, "content_index": 0, "text": text,
            "logprobs": [],
        });
        self.event("response.output_text.done", done, out);
        let part = json!({
            "item_id": id, "output_index": place, "content_index": 0,
            "part": OutputText::new(text.clone()),
        });
        self.event("response.content_part.done", part, out);
        let item = OutputItem::Message {
            id,
            status: "completed",
            role: "assistant",
            content: vec![OutputText::new(text)],
        };
        let done = json!({"output_index": place, "item": item});
        self.event("response.output_item.done", done, out);
    }

    fn call(&mut self, call: &ToolCallDelta, out: &mut BytesMut) {
        let index = call.index as usize;
        if index == self.calls.len() {
            let place = self.begin_part();
            self.calls.push(place);
            let item = OutputItem::FunctionCall {
                id: self.head.call_id(index),
                call_id: call.id.clone().unwrap_or_default(),
                name: call.name.clone().unwrap_or_default(),
                arguments: String::new(),
                status: "in_progress",
            };
            let added = json!({"output_index": place, "item": item});
            self.event("response.output_item.added", added, out);
        }
        let Some(place) = self.calls.get(index).copied() else {
            return;
        };
        if !call.arguments.is_empty() {
            let delta = json!({
                "item_id": self.head.call_id(index), "output_index": place,
                "delta": call.arguments,
            });
            self.event("response.function_call_arguments.delta", delta, out);
        }
    }

    fn end_call(&mut self, index: usize, out: &mut BytesMut) {
        let Some(call) = self.collected.tool_calls.get(index).cloned() else {
            return;
        };
        let (id, place) = (self.head.call_id(index), self.calls[index]);
        let done = json!({
            "item_id": id, "output_index": place, "name": call.name, "arguments": call.arguments,
        });
        self.event("response.function_call_arguments.done", done, out);
        let item = OutputItem::FunctionCall {
            id,
            call_id: call.id,
            name: call.name,
            arguments: call.arguments,
            status: "completed",
        };
        let done = json!({"output_index": place, "item": item});
        self.event("response.output_item.done", done, out);
    }

    fn begin_part(&mut self) -> usize {
        self.parts += 1;
        self.parts - 1
    }

    fn event(&mut self, name: &str, mut data: Value, out: &mut BytesMut) {
        data["type"] = json!(name);
        data["sequence_number"] = json!(self.sequence);
        self.sequence += 1;
        out.put_slice(b"event: ");
        out.put_slice(name.as_bytes());
        out.put_slice(b"\ndata: ");
        out.put_slice(data.to_string().as_bytes());
        out.put_slice(b"\n\n");
    }
}

#[cfg(test)]
mod tests {
    use onelastai_model_router::FinishReason;

    use super::*;
    use crate::responses::ResponsesRequest;

    fn usage() -> ChatUsage {
        ChatUsage {
            prompt_tokens: 3,
            completion_tokens: 4,
            load_ms: 0,
            prompt_eval_ms: 0,
            eval_ms: 0,
            finish_reason: FinishReason::Stop,
        }
    }

    fn begun(fields: &str, out: &mut BytesMut) -> EventEncoder {
        let body = format!(r#"{{"model":"m","input":"Hi"{fields}}}"#);
        let request: ResponsesRequest = serde_json::from_str(&body).unwrap();
        EventEncoder::new(ResponseHead::new(7, &request).named("1".into()), out)
    }

    fn written(pieces: Vec<ChatEvent>) -> Vec<Value> {
        let mut out = BytesMut::new();
        let mut encoder = begun("", &mut out);
        for piece in pieces {
            encoder.piece(piece, &mut out);
        }
        encoder.end(Outcome::Done(&usage(), None), &mut out);
        read(&out)
    }

    fn read(out: &BytesMut) -> Vec<Value> {
        let text = String::from_utf8(out.to_vec()).unwrap();
        text.split_terminator("\n\n")
            .map(|event| {
                let (name, data) = event.split_once('\n').unwrap();
                let data: Value = serde_json::from_str(&data["data: ".len()..]).unwrap();
                assert_eq!(name["event: ".len()..], data["type"]);
                data
            })
            .collect()
    }

    #[test]
    fn an_answer_begins_goes_on_and_ends() {
        let events = written(vec![
            ChatEvent::Text("He".into()),
            ChatEvent::Text("llo".into()),
        ]);
        let names: Vec<_> = events
            .iter()
            .map(|event| event["type"].as_str().unwrap())
            .collect();
        assert_eq!(
            names,
            [
                "response.created",
                "response.in_progress",
                "response.output_item.added",
                "response.content_part.added",
                "response.output_text.delta",
                "response.output_text.delta",
                "response.output_text.done",
                "response.content_part.done",
                "response.output_item.done",
                "response.completed",
            ]
        );
        for (number, event) in events.iter().enumerate() {
            assert_eq!(event["sequence_number"], number);
        }
        let response = &events[9]["response"];
        assert_eq!(response["output"][0]["content"][0]["text"], "Hello");
        assert_eq!(response["usage"]["total_tokens"], 7);
        assert_eq!(response["store"], true);
        assert_eq!(response["previous_response_id"], Value::Null);
    }

    #[test]
    fn every_event_tells_the_truth_of_what_is_kept() {
        let stored = |fields: &str, end: &dyn Fn(EventEncoder, &mut BytesMut)| {
            let mut out = BytesMut::new();
            let encoder = begun(fields, &mut out);
            end(encoder, &mut out);
            let events = read(&out);
            let of = |event: &Value| event["response"]["store"].as_bool();
            (
                of(&events[0]).unwrap(),
                of(&events[events.len() - 1]).unwrap(),
            )
        };
        let whole = |encoder: EventEncoder, out: &mut BytesMut| {
            encoder.end(Outcome::Done(&usage(), None), out);
        };
        assert_eq!(stored("", &whole), (true, true));
        assert_eq!(stored(r#","store":false"#, &whole), (false, false));
        let in_vain = |mut encoder: EventEncoder, out: &mut BytesMut| {
            encoder.not_kept();
            whole(encoder, out);
        };
        assert_eq!(stored("", &in_vain), (true, false));
        let failed = |encoder: EventEncoder, out: &mut BytesMut| {
            let error = ApiError::invalid("input", "No.");
            encoder.end(Outcome::Failed(&error), out);
        };
        assert_eq!(stored("", &failed), (true, false));
    }

    #[test]
    fn what_is_kept_is_what_is_told() {
        let mut out = BytesMut::new();
        let mut encoder = begun(r#","previous_response_id":"resp_0""#, &mut out);
        encoder.piece(ChatEvent::Text("Hello".into()), &mut out);
        let kept = encoder.response(&usage(), None);
        encoder.end(Outcome::Done(&usage(), None), &mut out);
        let events = read(&out);
        let told = &events[events.len() - 1]["response"];
        assert_eq!(*told, serde_json::to_value(kept).unwrap());
        assert_eq!(told["previous_response_id"], "resp_0");
    }

    #[test]
    fn a_call_is_an_item_of_its_own() {
        let call = |id: Option<&str>, arguments: &str| {
            ChatEvent::ToolCall(ToolCallDelta {
                index: 0,
                id: id.map(str::to_owned),
                name: id.map(|_| "f".to_owned()),
                arguments: arguments.to_owned(),
            })
        };
        let events = written(vec![call(Some("call_1"), "{\"a\""), call(None, ":1}")]);
        let last = events.last().unwrap();
        let item = &last["response"]["output"][0];
        assert_eq!(item["type"], "function_call");
        assert_eq!(item["call_id"], "call_1");
        assert_eq!(item["arguments"], "{\"a\":1}");
        assert_eq!(events[2]["item"]["name"], "f");
    }
}
