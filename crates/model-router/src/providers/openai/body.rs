//! The JSON that is sent.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Serialize;
use serde_json::Value;
use url::Url;

use crate::{
    chat::{ChatMessage, ChatRequest, Format, Image, Parameters, Role, Tool, ToolChoice},
    spec::ModelSpec,
};

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: Vec<Message<'a>>,
    stream: bool,
    stream_options: StreamOptions,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    /// For all but OpenAI itself: many compatible servers don't know the newer name.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    /// For OpenAI itself, whose reasoning models refuse the older name.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<f32>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    stop: &'a [String],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Offer<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Choice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<Wanted<'a>>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

#[derive(Serialize)]
struct Message<'a> {
    role: Role,
    content: Content<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Content<'a> {
    Text(&'a str),
    Parts(Vec<Part<'a>>),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Part<'a> {
    Text { text: &'a str },
    ImageUrl { image_url: ImageUrl },
}

#[derive(Serialize)]
struct ImageUrl {
    url: String,
}

#[derive(Serialize)]
struct Call<'a> {
    id: &'a str,
    r#type: &'static str,
    function: Function<'a>,
}

#[derive(Serialize)]
struct Function<'a> {
    name: &'a str,
    arguments: &'a str,
}

#[derive(Serialize)]
struct Offer<'a> {
    r#type: &'static str,
    function: Described<'a>,
}

#[derive(Serialize)]
struct Described<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Choice<'a> {
    Word(&'static str),
    One {
        r#type: &'static str,
        function: Named<'a>,
    },
}

#[derive(Serialize)]
struct Named<'a> {
    name: &'a str,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Wanted<'a> {
    JsonObject,
    JsonSchema { json_schema: Schema<'a> },
}

#[derive(Serialize)]
struct Schema<'a> {
    name: &'a str,
    schema: &'a Value,
    strict: bool,
}

/// The request for a streamed answer, to the server at `base`.
pub(super) fn chat(
    model: &ModelSpec,
    base: &Url,
    request: &ChatRequest,
) -> serde_json::Result<Vec<u8>> {
    let is_openai = base.host_str() == Some("api.openai.com");
    let Parameters {
        temperature,
        top_p,
        seed,
        max_tokens,
        ref stop,
        // The server's own setting.
        num_ctx: _,
        presence_penalty,
        frequency_penalty,
    } = request.parameters;
    serde_json::to_vec(&Body {
        model: &model.engine_name,
        messages: request.messages.iter().map(message).collect(),
        stream: true,
        stream_options: StreamOptions {
            include_usage: true,
        },
        temperature,
        top_p,
        seed,
        max_tokens: max_tokens.filter(|_| !is_openai),
        max_completion_tokens: max_tokens.filter(|_| is_openai),
        presence_penalty,
        frequency_penalty,
        stop,
        tools: request.tools.iter().map(offer).collect(),
        // It is refused where there are no tools.
        tool_choice: (!request.tools.is_empty())
            .then(|| choice(&request.tool_choice))
            .flatten(),
        parallel_tool_calls: (request.single_call && !request.tools.is_empty()).then_some(false),
        response_format: match &request.format {
            Format::Text => None,
            Format::JsonObject => Some(Wanted::JsonObject),
            Format::JsonSchema {
                name,
                schema,
                strict,
            } => Some(Wanted::JsonSchema {
                json_schema: Schema {
                    name,
                    schema,
                    strict: *strict,
                },
            }),
        },
    })
}

fn message(message: &ChatMessage) -> Message<'_> {
    let ChatMessage {
        role,
        content,
        images,
        tool_calls,
        tool_call_id,
    } = message;
    let text = (!content.is_empty()).then_some(Part::Text { text: content });
    Message {
        role: *role,
        content: if images.is_empty() {
            Content::Text(content)
        } else {
            Content::Parts(text.into_iter().chain(images.iter().map(picture)).collect())
        },
        tool_calls: tool_calls
            .iter()
            .map(|call| Call {
                id: &call.id,
                r#type: "function",
                function: Function {
                    name: &call.name,
                    arguments: &call.arguments,
                },
            })
            .collect(),
        tool_call_id: tool_call_id.as_deref(),
    }
}

/// A picture as a `data:` address (RFC 2397).
fn picture(image: &Image) -> Part<'_> {
    let mut url = format!("data:{};base64,", image.media_type);
    STANDARD.encode_string(&image.data, &mut url);
    Part::ImageUrl {
        image_url: ImageUrl { url },
    }
}

fn offer(tool: &Tool) -> Offer<'_> {
    Offer {
        r#type: "function",
        function: Described {
            name: &tool.name,
            description: tool.description.as_deref(),
            parameters: tool.parameters.as_ref(),
            strict: tool.strict,
        },
    }
}

fn choice(choice: &ToolChoice) -> Option<Choice<'_>> {
    match choice {
        ToolChoice::Auto => None,
        ToolChoice::None => Some(Choice::Word("none")),
        ToolChoice::Required => Some(Choice::Word("required")),
        ToolChoice::Named(name) => Some(Choice::One {
            r#type: "function",
            function: Named { name },
        }),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::json;

    use super::*;
    use crate::chat::ToolCall;

    fn text(request: &ChatRequest) -> String {
        text_to("http://127.0.0.1:8000/v1/", request)
    }

    fn text_to(base: &str, request: &ChatRequest) -> String {
        let model = ModelSpec::ollama("m", "gpt-x", vec![]);
        String::from_utf8(chat(&model, &base.parse().unwrap(), request).unwrap()).unwrap()
    }

    #[test]
    fn openai_itself_is_told_the_length_by_its_newer_name() {
        let mut request = ChatRequest::default();
        request.parameters.max_tokens = Some(9);
        let told = text_to("https://api.openai.com/v1/", &request);
        assert!(told.contains(r#""max_completion_tokens":9"#), "{told}");
        assert!(!told.contains(r#""max_tokens""#), "{told}");
    }

    #[test]
    fn the_body_holds_what_was_asked_and_nothing_else() {
        let mut request = ChatRequest {
            messages: vec![ChatMessage::new(Role::User, "Hi \"you\"")],
            tool_choice: ToolChoice::Required,
            ..ChatRequest::default()
        };
        assert_eq!(
            text(&request),
            r#"{"model":"gpt-x","messages":[{"role":"user","content":"Hi \"you\""}],"stream":true,"stream_options":{"include_usage":true}}"#
        );
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
            r#"{"model":"gpt-x","messages":[],"stream":true,"stream_options":{"include_usage":true},"temperature":0.5,"top_p":1.0,"seed":7,"max_tokens":9,"presence_penalty":-2.0,"frequency_penalty":0.25,"stop":["END"],"response_format":{"type":"json_object"}}"#
        );
    }

    #[test]
    fn tools_pictures_and_a_schema() {
        let mut asked = ChatMessage::new(Role::User, "What is it?");
        asked.images.push(Image {
            media_type: "image/png".to_owned(),
            data: Bytes::from_static(b"\x89PNG"),
        });
        let mut called = ChatMessage::new(Role::Assistant, "");
        called.tool_calls.push(ToolCall {
            id: "call_1".to_owned(),
            name: "look".to_owned(),
            arguments: "{}".to_owned(),
        });
        let mut came = ChatMessage::new(Role::Tool, "a cat");
        came.tool_call_id = Some("call_1".to_owned());
        let mut request = ChatRequest {
            messages: vec![asked, called, came],
            tools: vec![Tool {
                name: "look".to_owned(),
                description: Some("Looks.".to_owned()),
                parameters: Some(json!({"type": "object"})),
                strict: Some(true),
            }],
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
        assert_eq!(
            sent["messages"],
            json!([
                {"role": "user", "content": [
                    {"type": "text", "text": "What is it?"},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}},
                ]},
                {"role": "assistant", "content": "", "tool_calls": [
                    {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}},
                ]},
                {"role": "tool", "content": "a cat", "tool_call_id": "call_1"},
            ])
        );
        assert_eq!(
            sent["tools"],
            json!([{"type": "function", "function": {"name": "look", "description": "Looks.", "parameters": {"type": "object"}, "strict": true}}])
        );
        assert_eq!(sent.get("tool_choice"), None);
        assert_eq!(
            sent["response_format"],
            json!({"type": "json_schema", "json_schema": {"name": "animal", "schema": {"type": "string"}, "strict": true}})
        );
        for (choice, word) in [
            (ToolChoice::None, json!("none")),
            (ToolChoice::Required, json!("required")),
            (
                ToolChoice::Named("look".to_owned()),
                json!({"type": "function", "function": {"name": "look"}}),
            ),
        ] {
            request.tool_choice = choice;
            assert_eq!(body(&request)["tool_choice"], word);
        }
        assert_eq!(body(&request).get("parallel_tool_calls"), None);
        request.single_call = true;
        assert_eq!(body(&request)["parallel_tool_calls"], json!(false));
    }
}
