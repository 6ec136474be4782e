//! The JSON that goes to Ollama's `/api/chat` (its `docs/api.md`).

use std::collections::HashMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Serialize;
use serde_json::{Value, value::RawValue};

use crate::{
    chat::{ChatMessage, ChatRequest, Effort, Format, Parameters, Role, Tool},
    spec::ModelSpec,
};

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: Vec<Message<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Offer<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<Wanted<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    think: Option<Think>,
    stream: bool,
    /// Whether it leaves the oldest messages out where all are more than its context.
    truncate: bool,
    /// Whether it forgets the beginning and writes on when its context is full.
    shift: bool,
    options: Options<'a>,
}

#[derive(Serialize)]
struct Message<'a> {
    role: Role,
    content: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    images: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call<'a>>,
    /// Ollama knows what a tool's message answers by the tool's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a str>,
}

#[derive(Serialize)]
struct Call<'a> {
    id: &'a str,
    function: Function<'a>,
}

#[derive(Serialize)]
struct Function<'a> {
    name: &'a str,
    arguments: Arguments<'a>,
}

/// Ollama wants an object. What isn't one, since a model wrote it, goes in one.
#[derive(Serialize)]
#[serde(untagged)]
enum Arguments<'a> {
    Object(&'a RawValue),
    Other { text: &'a str },
}

#[derive(Serialize)]
struct Offer<'a> {
    r#type: &'static str,
    function: Described<'a>,
}

#[derive(Serialize)]
struct Described<'a> {
    name: &'a str,
    description: &'a str,
    parameters: Schema<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Schema<'a> {
    Given(&'a Value),
    Nothing {
        r#type: &'static str,
        properties: Empty,
    },
}

#[derive(Serialize)]
struct Empty {}

#[derive(Serialize)]
#[serde(untagged)]
enum Wanted<'a> {
    Named(&'static str),
    Schema(&'a Value),
}

/// Not at all, or how much; a model without such levels takes any of them as "yes".
#[derive(Serialize)]
#[serde(untagged)]
enum Think {
    Whether(bool),
    Level(&'static str),
}

impl From<Effort> for Think {
    fn from(effort: Effort) -> Self {
        match effort {
            Effort::None => Self::Whether(false),
            Effort::Low => Self::Level("low"),
            Effort::Medium => Self::Level("medium"),
            Effort::High => Self::Level("high"),
        }
    }
}

#[derive(Serialize)]
struct Options<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    num_predict: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    num_ctx: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<f32>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    stop: &'a [String],
}

/// The request for a streamed answer, to an instance with a context of `context` tokens where
/// that is known.
pub(super) fn chat(
    model: &ModelSpec,
    context: Option<u32>,
    request: &ChatRequest,
) -> serde_json::Result<Vec<u8>> {
    let Parameters {
        temperature,
        top_p,
        seed,
        max_tokens,
        ref stop,
        num_ctx,
        presence_penalty,
        frequency_penalty,
    } = request.parameters;
    let offered = |tool: &&Tool| request.tool_choice.offers(tool);
    serde_json::to_vec(&Body {
        model: &model.engine_name,
        messages: messages(&request.messages),
        tools: request.tools.iter().filter(offered).map(offer).collect(),
        format: match &request.format {
            Format::Text => None,
            Format::JsonObject => Some(Wanted::Named("json")),
            Format::JsonSchema { schema, .. } => Some(Wanted::Schema(schema)),
        },
        think: request.effort.map(Think::from),
        stream: true,
        // Half a conversation is another one: unless that is wanted, it is refused as too long.
        truncate: request.may_shorten,
        shift: false,
        options: Options {
            temperature,
            top_p,
            seed,
            // Without one, a model that repeats itself goes on for ten contexts.
            num_predict: max_tokens.unwrap_or(model.context_length),
            num_ctx: context.or(num_ctx.map(|tokens| tokens.min(model.context_length))),
            presence_penalty,
            frequency_penalty,
            stop,
        },
    })
}

fn messages<'a>(messages: &'a [ChatMessage]) -> Vec<Message<'a>> {
    let calls = messages.iter().flat_map(|message| &message.tool_calls);
    let names: HashMap<_, _> = calls
        .map(|call| (call.id.as_str(), call.name.as_str()))
        .collect();
    let message = |message: &'a ChatMessage| {
        let ChatMessage {
            role,
            content,
            images,
            tool_calls,
            tool_call_id,
        } = message;
        let tool_call_id = tool_call_id.as_deref();
        Message {
            role: *role,
            content,
            images: images.iter().map(|it| STANDARD.encode(&it.data)).collect(),
            tool_calls: tool_calls
                .iter()
                .map(|call| Call {
                    id: &call.id,
                    function: Function {
                        name: &call.name,
                        arguments: arguments(&call.arguments),
                    },
                })
                .collect(),
            tool_name: tool_call_id.and_then(|id| names.get(id).copied()),
            tool_call_id,
        }
    };
    messages.iter().map(message).collect()
}

fn arguments(text: &str) -> Arguments<'_> {
    match serde_json::from_str(text) {
        Ok(object) if text.trim_start().starts_with('{') => Arguments::Object(object),
        _ => Arguments::Other { text },
    }
}

fn offer(tool: &Tool) -> Offer<'_> {
    Offer {
        r#type: "function",
        function: Described {
            name: &tool.name,
            description: tool.description.as_deref().unwrap_or_default(),
            parameters: match &tool.parameters {
                Some(schema) => Schema::Given(schema),
                None => Schema::Nothing {
                    r#type: "object",
                    properties: Empty {},
                },
            },
        },
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::json;

    use super::*;
    use crate::chat::{Image, ToolCall, ToolChoice};

    fn model() -> ModelSpec {
        ModelSpec {
            context_length: 2048,
            ..ModelSpec::ollama("m", "m:1b", vec![])
        }
    }

    fn text(request: &ChatRequest) -> String {
        String::from_utf8(chat(&model(), None, request).unwrap()).unwrap()
    }

    #[test]
    fn the_body_holds_what_was_asked_and_nothing_else() {
        let mut request = ChatRequest {
            messages: vec![
                ChatMessage::new(Role::System, "Be \"brief\""),
                ChatMessage::new(Role::User, "Hi"),
            ],
            ..ChatRequest::default()
        };
        assert_eq!(
            text(&request),
            r#"{"model":"m:1b","messages":[{"role":"system","content":"Be \"brief\""},{"role":"user","content":"Hi"}],"stream":true,"truncate":false,"shift":false,"options":{"num_predict":2048}}"#
        );
        request.may_shorten = true;
        assert!(text(&request).contains(r#""truncate":true"#));
        request.may_shorten = false;
        request.messages.clear();
        request.format = Format::JsonObject;
        request.parameters = Parameters {
            temperature: Some(0.5),
            top_p: Some(1.0),
            seed: Some(7),
            max_tokens: Some(9),
            stop: vec!["END".to_owned()],
            num_ctx: Some(9999),
            presence_penalty: Some(-2.0),
            frequency_penalty: Some(0.25),
        };
        assert_eq!(
            text(&request),
            r#"{"model":"m:1b","messages":[],"format":"json","stream":true,"truncate":false,"shift":false,"options":{"temperature":0.5,"top_p":1.0,"seed":7,"num_predict":9,"num_ctx":2048,"presence_penalty":-2.0,"frequency_penalty":0.25,"stop":["END"]}}"#
        );
    }

    #[test]
    fn it_is_told_how_much_to_think() {
        let think = |effort| {
            let request = ChatRequest {
                effort,
                ..ChatRequest::default()
            };
            let body: Value = serde_json::from_str(&text(&request)).unwrap();
            body.get("think").cloned()
        };
        assert_eq!(think(None), None);
        assert_eq!(think(Some(Effort::None)), Some(json!(false)));
        assert_eq!(think(Some(Effort::High)), Some(json!("high")));
    }

    #[test]
    fn an_instance_sets_up_the_context_that_its_operator_says() {
        let mut request = ChatRequest::default();
        request.parameters.num_ctx = Some(512);
        let body = chat(&model(), Some(8192), &request).unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["options"]["num_ctx"], 8192);
    }

    #[test]
    fn tools_pictures_and_a_schema() {
        let mut asked = ChatMessage::new(Role::User, "What is it?");
        asked.images.push(Image {
            media_type: "image/png".to_owned(),
            data: Bytes::from_static(b"\x89PNG"),
        });
        let call = |id: &str, arguments: &str| ToolCall {
            id: id.to_owned(),
            name: "look".to_owned(),
            arguments: arguments.to_owned(),
        };
        let mut called = ChatMessage::new(Role::Assistant, "");
        called.tool_calls = vec![call("call_1", r#"{"at": 1}"#), call("call_2", "oops")];
        let mut came = ChatMessage::new(Role::Tool, "a cat");
        came.tool_call_id = Some("call_1".to_owned());
        let tool = |name: &str, parameters| Tool {
            name: name.to_owned(),
            description: None,
            parameters,
            strict: Some(true),
        };
        let mut request = ChatRequest {
            messages: vec![asked, called, came],
            tools: vec![
                tool("look", None),
                tool("other", Some(json!({"type": "object"}))),
            ],
            format: Format::JsonSchema {
                name: "animal".to_owned(),
                schema: json!({"type": "string"}),
                strict: true,
            },
            ..ChatRequest::default()
        };
        let body =
            |request: &ChatRequest| -> Value { serde_json::from_str(&text(request)).unwrap() };
        let sent = body(&request);
        let nothing = json!({"type": "object", "properties": {}});
        assert_eq!(
            sent["tools"],
            json!([
                {"type": "function", "function": {"name": "look", "description": "", "parameters": nothing}},
                {"type": "function", "function": {"name": "other", "description": "", "parameters": {"type": "object"}}},
            ])
        );
        assert_eq!(sent["format"], json!({"type": "string"}));
        assert_eq!(
            sent["messages"],
            json!([
                {"role": "user", "content": "What is it?", "images": ["iVBORw=="]},
                {"role": "assistant", "content": "", "tool_calls": [
                    {"id": "call_1", "function": {"name": "look", "arguments": {"at": 1}}},
                    {"id": "call_2", "function": {"name": "look", "arguments": {"text": "oops"}}},
                ]},
                {"role": "tool", "content": "a cat", "tool_name": "look", "tool_call_id": "call_1"},
            ])
        );
        request.tool_choice = ToolChoice::Named("other".to_owned());
        assert_eq!(body(&request)["tools"][0]["function"]["name"], "other");
        request.tool_choice = ToolChoice::None;
        assert_eq!(body(&request).get("tools"), None);
    }
}
