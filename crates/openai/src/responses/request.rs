//! The request.

use onelastai_model_router::{self as router, ChatMessage, ChatRequest, Parameters, Role};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{Input, InputItem, input::messages};
use crate::{
    ApiError, ErrorKind,
    chat::{
        Function, MOST_MESSAGES, ReasoningEffort, ToolDefinition, named, tools_fitting,
        tools_into_router, within,
    },
};

/// Asks for an answer.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
pub struct ResponsesRequest {
    /// A model's name, or `agent/{slug}` for an agent with its instructions.
    #[schema(example = "llama3.2")]
    pub model: String,
    /// The question, or everything so far.
    pub input: Input,
    /// Instructions that come before everything.
    #[serde(default)]
    pub instructions: Option<String>,
    /// Whether the answer comes piece by piece, as server-sent events.
    #[serde(default)]
    pub stream: Option<bool>,
    /// The longest answer, in tokens, thinking included.
    #[serde(default)]
    pub max_output_tokens: Option<u32>,
    /// Randomness, 0 to 2.
    #[serde(default)]
    pub temperature: Option<f32>,
    /// Only the likeliest tokens that together have this probability, 0 to 1.
    #[serde(default)]
    pub top_p: Option<f32>,
    /// Functions that the model may ask for.
    #[serde(default)]
    pub tools: Option<Vec<FunctionTool>>,
    /// `auto`, `none`, `required`, or `{"type": "function", "name": …}`.
    #[serde(default)]
    pub tool_choice: Option<Value>,
    /// Whether it may ask for several functions at once.
    #[serde(default)]
    pub parallel_tool_calls: Option<bool>,
    /// How a model thinks that can; others pass over it.
    #[serde(default)]
    pub reasoning: Option<Reasoning>,
    /// The form of the answer.
    #[serde(default)]
    pub text: Option<TextOptions>,
    /// Whether the answer is kept with the question, for 30 days: to be read again, and gone on
    /// from. True where it isn't said.
    #[serde(default)]
    pub store: Option<bool>,
    /// A kept answer to go on from: it, its question and all before them come before `input`;
    /// their `instructions` don't. Nothing of them may have been deleted, or be too old.
    #[serde(default)]
    pub previous_response_id: Option<String>,
    /// Not offered.
    #[serde(default)]
    pub background: Option<bool>,
}

/// How a model thinks before it answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
pub struct Reasoning {
    /// How much.
    #[serde(default)]
    pub effort: Option<ReasoningEffort>,
}

/// A function that the model may ask for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FunctionTool {
    /// Always `function`.
    #[serde(rename = "type")]
    #[schema(example = "function")]
    pub kind: String,
    /// At most 64 letters, digits, `_` and `-`.
    #[serde(default)]
    pub name: String,
    /// When to use it.
    #[serde(default)]
    pub description: Option<String>,
    /// JSON Schema of its arguments.
    #[serde(default)]
    pub parameters: Option<Value>,
    /// Whether arguments must follow the schema exactly, where the engine can.
    #[serde(default)]
    pub strict: Option<bool>,
}

/// The form of the answer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TextOptions {
    /// Text or JSON.
    #[serde(default)]
    pub format: TextFormat,
}

/// Text or JSON.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum TextFormat {
    /// Any text.
    #[default]
    Text,
    /// JSON.
    JsonObject,
    /// JSON that follows a schema.
    JsonSchema {
        /// At most 64 letters, digits, `_` and `-`.
        name: String,
        /// JSON Schema.
        schema: Value,
        /// Whether the answer must follow it exactly.
        #[serde(default)]
        strict: Option<bool>,
    },
}

impl ResponsesRequest {
    /// Whether the answer is to come piece by piece.
    pub fn streams(&self) -> bool {
        self.stream == Some(true)
    }

    /// Whether the answer is to be kept.
    pub fn stores(&self) -> bool {
        self.store != Some(false)
    }

    /// As the router has it, with `model` as the only preference; `before` is what it goes on
    /// from, oldest first.
    ///
    /// # Errors
    /// Names the field that is out of range or not offered here.
    pub fn into_router(self, before: Vec<InputItem>) -> Result<ChatRequest, ApiError> {
        if self.background == Some(true) {
            return Err(ApiError::unsupported(
                "background",
                "Answers are not made in the background.",
            ));
        }
        if self.max_output_tokens == Some(0) {
            return Err(ApiError::invalid(
                "max_output_tokens",
                "An answer has at least one token.",
            ));
        }
        let effort = self.reasoning.and_then(|reasoning| reasoning.effort);
        let messages = conversation(self.instructions, before, self.input)?;
        let tools = self.tools.unwrap_or_default();
        let tools = tools
            .into_iter()
            .map(FunctionTool::into_definition)
            .collect();
        let tools = tools_into_router(tools)?;
        let tool_choice = self
            .tool_choice
            .as_ref()
            .map_or(Ok(Default::default()), choice)?;
        tools_fitting(&tool_choice, &tools)?;
        Ok(ChatRequest {
            preferences: vec![self.model],
            messages,
            parameters: Parameters {
                temperature: within("temperature", self.temperature, 0.0, 2.0)?,
                top_p: within("top_p", self.top_p, 0.0, 1.0)?,
                max_tokens: self.max_output_tokens,
                ..Parameters::default()
            },
            tools,
            tool_choice,
            single_call: self.parallel_tool_calls == Some(false),
            effort: effort.map(Into::into),
            format: format(self.text.unwrap_or_default().format)?,
            ..ChatRequest::default()
        })
    }
}

impl FunctionTool {
    fn into_definition(self) -> ToolDefinition {
        ToolDefinition {
            kind: self.kind,
            function: Function {
                name: self.name,
                description: self.description,
                parameters: self.parameters,
                strict: self.strict,
            },
        }
    }
}

/// Everything that a model reads: the instructions of this request, what came before, and what
/// is new.
fn conversation(
    instructions: Option<String>,
    before: Vec<InputItem>,
    input: Input,
) -> Result<Vec<ChatMessage>, ApiError> {
    let new = input.into_router()?;
    if before.len() + new.len() > MOST_MESSAGES {
        return Err(ApiError {
            param: Some("previous_response_id".to_owned()),
            ..ApiError::new(
                ErrorKind::InvalidRequestError,
                "context_length_exceeded",
                format!("With what came before there are more than {MOST_MESSAGES} items."),
            )
        });
    }
    let instructions = instructions.map(|it| ChatMessage::new(Role::System, it));
    let before = messages(before)?;
    Ok(instructions.into_iter().chain(before).chain(new).collect())
}

fn format(format: TextFormat) -> Result<router::Format, ApiError> {
    Ok(match format {
        TextFormat::Text => router::Format::Text,
        TextFormat::JsonObject => router::Format::JsonObject,
        TextFormat::JsonSchema {
            name,
            schema,
            strict,
        } => {
            named(&name, "text.format.name")?;
            router::Format::JsonSchema {
                name,
                schema,
                strict: strict.unwrap_or(false),
            }
        }
    })
}

fn choice(choice: &Value) -> Result<router::ToolChoice, ApiError> {
    match (choice.as_str(), choice.get("name").and_then(Value::as_str)) {
        (Some("auto"), _) => Ok(router::ToolChoice::Auto),
        (Some("none"), _) => Ok(router::ToolChoice::None),
        (Some("required"), _) => Ok(router::ToolChoice::Required),
        (None, Some(name)) => Ok(router::ToolChoice::Named(name.to_owned())),
        _ => Err(ApiError::invalid(
            "tool_choice",
            "`tool_choice` must be `auto`, `none`, `required` or a named function.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(fields: &str) -> Result<ChatRequest, ApiError> {
        let body = format!(r#"{{"model":"m","input":"Hi"{fields}}}"#);
        let request: ResponsesRequest = crate::parse(body.as_bytes())?;
        request.into_router(Vec::new())
    }

    #[test]
    fn what_came_before_comes_between_the_instructions_and_what_is_new() {
        let asked = |count: usize| {
            let item = r#"{"role":"assistant","content":"Hello"}"#;
            let before = format!("[{}]", vec![item; count].join(","));
            let request = r#"{"model":"m","input":"Hi","instructions":"Be brief"}"#;
            let request: ResponsesRequest = serde_json::from_str(request).unwrap();
            request.into_router(serde_json::from_str(&before).unwrap())
        };
        let roles: Vec<_> = asked(1)
            .unwrap()
            .messages
            .iter()
            .map(|it| it.role)
            .collect();
        assert_eq!(roles, [Role::System, Role::Assistant, Role::User]);
        let long = asked(MOST_MESSAGES).unwrap_err();
        assert_eq!(long.code.as_deref(), Some("context_length_exceeded"));
        assert_eq!(long.param.as_deref(), Some("previous_response_id"));
    }

    #[test]
    fn answers_are_kept_unless_that_is_not_wanted() {
        for (store, kept) in [
            ("", true),
            (r#","store":true"#, true),
            (r#","store":false"#, false),
        ] {
            let body = format!(r#"{{"model":"m","input":"Hi"{store}}}"#);
            let request: ResponsesRequest = serde_json::from_str(&body).unwrap();
            assert_eq!(request.stores(), kept, "{store}");
        }
    }

    #[test]
    fn instructions_come_first() {
        let asked =
            request(r#","instructions":"Be brief","max_output_tokens":5,"store":true"#).unwrap();
        assert_eq!(
            asked.messages[0],
            ChatMessage::new(Role::System, "Be brief")
        );
        assert_eq!(asked.messages[1], ChatMessage::new(Role::User, "Hi"));
        assert_eq!(asked.parameters.max_tokens, Some(5));
        let asked = request(r#","reasoning":{"effort":"high"},"parallel_tool_calls":false"#);
        let asked = asked.unwrap();
        assert_eq!(asked.effort, Some(router::Effort::High));
        assert!(asked.single_call);
    }

    #[test]
    fn what_is_not_offered_is_named() {
        for (field, value) in [
            ("background", "true"),
            ("tool_choice", r#""sometimes""#),
            ("temperature", "9"),
        ] {
            let error = request(&format!(r#","{field}":{value}"#)).unwrap_err();
            assert_eq!(error.param.as_deref(), Some(field));
        }
        let schema = r#","text":{"format":{"type":"json_schema","name":"a b","schema":{}}}"#;
        let schema = request(schema).unwrap_err();
        assert_eq!(schema.param.as_deref(), Some("text.format.name"));
        let tool = request(r#","tools":[{"type":"web_search"}]"#).unwrap_err();
        assert_eq!(tool.param.as_deref(), Some("tools[0].type"));
    }
}
