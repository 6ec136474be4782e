//! The request.

use onelastai_model_router::{self as router, ChatRequest, Parameters};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{Message, ToolChoice, ToolDefinition, tools};
use crate::ApiError;

/// The most messages of one request.
pub(crate) const MOST_MESSAGES: usize = 4096;
/// The most texts that end an answer, as the API has it.
const MOST_STOPS: usize = 4;

/// Asks for the next message of a conversation.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
pub struct ChatCompletionRequest {
    /// A model's name, or `agent/{slug}` for an agent with its instructions.
    #[schema(example = "llama3.2")]
    pub model: String,
    /// The conversation, oldest first.
    pub messages: Vec<Message>,
    /// Whether the answer comes piece by piece, as server-sent events.
    #[serde(default)]
    pub stream: Option<bool>,
    /// What else a stream tells.
    #[serde(default)]
    pub stream_options: Option<StreamOptions>,
    /// Randomness, 0 to 2.
    #[serde(default)]
    pub temperature: Option<f32>,
    /// Only the likeliest tokens that together have this probability, 0 to 1.
    #[serde(default)]
    pub top_p: Option<f32>,
    /// Always one answer.
    #[serde(default)]
    pub n: Option<u32>,
    /// Texts that end the answer.
    #[serde(default)]
    pub stop: Option<Stop>,
    /// The longest answer, in tokens, thinking included.
    #[serde(default)]
    pub max_completion_tokens: Option<u32>,
    /// The same by its older name.
    #[serde(default)]
    pub max_tokens: Option<u32>,
    /// The same seed gives the same answer, as far as the engine can.
    #[serde(default)]
    pub seed: Option<i64>,
    /// Likes new subjects, -2 to 2.
    #[serde(default)]
    pub presence_penalty: Option<f32>,
    /// Dislikes repeating itself, -2 to 2.
    #[serde(default)]
    pub frequency_penalty: Option<f32>,
    /// Functions that the model may ask for.
    #[serde(default)]
    pub tools: Option<Vec<ToolDefinition>>,
    /// Whether it must, may or may not.
    #[serde(default)]
    pub tool_choice: Option<ToolChoice>,
    /// The form of the answer.
    #[serde(default)]
    pub response_format: Option<ResponseFormat>,
    /// Whether it may ask for several functions at once.
    #[serde(default)]
    pub parallel_tool_calls: Option<bool>,
    /// How much a model thinks that can; others pass over it.
    #[serde(default)]
    pub reasoning_effort: Option<ReasoningEffort>,
    /// Not offered; may only be `false`.
    #[serde(default)]
    pub logprobs: Option<bool>,
    /// Not offered; may only be empty.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub logit_bias: Option<Map<String, Value>>,
    /// Not offered: use `tools`.
    #[serde(default)]
    pub functions: Option<Vec<Value>>,
    /// Not offered: use `tool_choice`.
    #[serde(default)]
    pub function_call: Option<Value>,
}

/// How much a model thinks before it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReasoningEffort {
    /// Not at all.
    None,
    /// Hardly.
    Minimal,
    /// Little.
    Low,
    /// Some.
    Medium,
    /// Much.
    High,
    /// As much as it can.
    Xhigh,
}

impl From<ReasoningEffort> for router::Effort {
    fn from(effort: ReasoningEffort) -> Self {
        match effort {
            ReasoningEffort::None => Self::None,
            ReasoningEffort::Minimal | ReasoningEffort::Low => Self::Low,
            ReasoningEffort::Medium => Self::Medium,
            ReasoningEffort::High | ReasoningEffort::Xhigh => Self::High,
        }
    }
}

/// What else a stream tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
pub struct StreamOptions {
    /// Whether the last chunk tells the tokens used.
    #[serde(default)]
    pub include_usage: bool,
}

/// One text or up to four.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(untagged, expecting = "a text or a list of texts")]
pub enum Stop {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

/// The form of an answer.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ResponseFormat {
    /// Any text.
    Text,
    /// JSON.
    JsonObject,
    /// JSON that follows a schema.
    JsonSchema {
        /// The schema.
        json_schema: JsonSchema,
    },
}

/// A named schema.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
pub struct JsonSchema {
    /// At most 64 letters, digits, `_` and `-`.
    pub name: String,
    /// JSON Schema.
    #[serde(default)]
    pub schema: Option<Value>,
    /// Whether the answer must follow it exactly.
    #[serde(default)]
    pub strict: Option<bool>,
}

impl ChatCompletionRequest {
    /// Whether the answer is to come piece by piece.
    pub fn streams(&self) -> bool {
        self.stream == Some(true)
    }

    /// Whether a stream's end tells the tokens used.
    pub fn wants_usage(&self) -> bool {
        self.stream_options
            .is_some_and(|options| options.include_usage)
    }

    /// As the router has it, with `model` as the only preference. Who asks, and which models
    /// that person may use, is for the caller to fill in.
    ///
    /// # Errors
    /// Names the field that is out of range or not offered here.
    pub fn into_router(self) -> Result<ChatRequest, ApiError> {
        if self.n.is_some_and(|n| n != 1) {
            return Err(ApiError::unsupported(
                "n",
                "One request gives one answer: leave `n` out.",
            ));
        }
        if self.logprobs == Some(true) {
            return Err(ApiError::unsupported(
                "logprobs",
                "Log probabilities are not offered here.",
            ));
        }
        self.refuse_what_would_be_passed_over()?;
        if self.messages.is_empty() {
            return Err(ApiError::invalid(
                "messages",
                "There must be at least one message.",
            ));
        }
        if self.messages.len() > MOST_MESSAGES {
            return Err(ApiError::invalid(
                "messages",
                format!("At most {MOST_MESSAGES} messages can be sent at once."),
            ));
        }
        let stop = match self.stop {
            None => Vec::new(),
            Some(Stop::One(text)) => vec![text],
            Some(Stop::Many(texts)) => texts,
        };
        if stop.len() > MOST_STOPS || stop.iter().any(String::is_empty) {
            return Err(ApiError::invalid(
                "stop",
                format!("At most {MOST_STOPS} texts, none of them empty."),
            ));
        }
        let max_tokens = self.max_completion_tokens.or(self.max_tokens);
        if max_tokens == Some(0) {
            return Err(ApiError::invalid(
                "max_completion_tokens",
                "An answer has at least one token.",
            ));
        }
        let tools = tools::into_router(self.tools.unwrap_or_default())?;
        let tool_choice = self.tool_choice.map(Into::into).unwrap_or_default();
        tools::fitting(&tool_choice, &tools)?;
        let messages = self.messages.into_iter().enumerate();
        Ok(ChatRequest {
            preferences: vec![self.model],
            messages: messages
                .map(|(index, message)| message.into_router(&format!("messages[{index}]")))
                .collect::<Result<_, _>>()?,
            parameters: Parameters {
                temperature: within("temperature", self.temperature, 0.0, 2.0)?,
                top_p: within("top_p", self.top_p, 0.0, 1.0)?,
                presence_penalty: within("presence_penalty", self.presence_penalty, -2.0, 2.0)?,
                frequency_penalty: within("frequency_penalty", self.frequency_penalty, -2.0, 2.0)?,
                seed: self.seed,
                max_tokens,
                stop,
                ..Parameters::default()
            },
            tools,
            tool_choice,
            single_call: self.parallel_tool_calls == Some(false),
            effort: self.reasoning_effort.map(Into::into),
            format: self
                .response_format
                .map_or(Ok(router::Format::Text), format)?,
            ..ChatRequest::default()
        })
    }
}

impl ChatCompletionRequest {
    fn refuse_what_would_be_passed_over(&self) -> Result<(), ApiError> {
        if self.logit_bias.as_ref().is_some_and(|it| !it.is_empty()) {
            return Err(ApiError::unsupported_parameter(
                "logit_bias",
                "Tokens can't be made more or less likely here: leave `logit_bias` out.",
            ));
        }
        if self.functions.as_ref().is_some_and(|it| !it.is_empty()) {
            return Err(ApiError::unsupported_parameter(
                "functions",
                "Functions are given as `tools` here.",
            ));
        }
        let call = self.function_call.as_ref();
        if call.is_some_and(|it| it != "none" && it != "auto") {
            return Err(ApiError::unsupported_parameter(
                "function_call",
                "Which function is called is said by `tool_choice` here.",
            ));
        }
        Ok(())
    }
}

fn format(format: ResponseFormat) -> Result<router::Format, ApiError> {
    Ok(match format {
        ResponseFormat::Text => router::Format::Text,
        ResponseFormat::JsonObject => router::Format::JsonObject,
        ResponseFormat::JsonSchema { json_schema } => {
            tools::named(&json_schema.name, "response_format.json_schema.name")?;
            router::Format::JsonSchema {
                name: json_schema.name,
                schema: json_schema
                    .schema
                    .unwrap_or_else(|| Value::Object(Default::default())),
                strict: json_schema.strict.unwrap_or(false),
            }
        }
    })
}

/// `value`, if it is a number from `least` to `most`.
pub(crate) fn within(
    param: &str,
    value: Option<f32>,
    least: f32,
    most: f32,
) -> Result<Option<f32>, ApiError> {
    match value {
        Some(value) if !(least..=most).contains(&value) => Err(ApiError::invalid(
            param,
            format!("`{param}` must be from {least} to {most}."),
        )),
        value => Ok(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(fields: &str) -> Result<ChatRequest, ApiError> {
        let body =
            format!(r#"{{"model":"m","messages":[{{"role":"user","content":"Hi"}}]{fields}}}"#);
        crate::parse::<ChatCompletionRequest>(body.as_bytes())
            .and_then(ChatCompletionRequest::into_router)
    }

    #[test]
    fn what_a_client_sets_reaches_the_router() {
        let asked = request(
            r#","temperature":0.5,"top_p":0.9,"seed":7,"max_tokens":3,"max_completion_tokens":5,
               "stop":["a","b"],"presence_penalty":-1,"tool_choice":"required",
               "tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}],
               "response_format":{"type":"json_schema","json_schema":{"name":"s","schema":{"type":"object"},"strict":true}},
               "user":"somebody","metadata":{"a":"b"},"parallel_tool_calls":true,"something_new":[1]"#,
        )
        .unwrap();
        assert_eq!(asked.preferences, ["m"]);
        assert_eq!(asked.parameters.max_tokens, Some(5));
        assert_eq!(asked.parameters.stop, ["a", "b"]);
        assert_eq!(asked.tools[0].name, "f");
        assert_eq!(asked.tool_choice, router::ToolChoice::Required);
        assert!(!asked.single_call);
        assert!(matches!(
            asked.format,
            router::Format::JsonSchema { strict: true, .. }
        ));
    }

    #[test]
    fn nothing_is_passed_over_in_silence() {
        for (field, value) in [
            ("logit_bias", r#"{"50256":-100}"#),
            ("functions", r#"[{"name":"f"}]"#),
            ("function_call", r#"{"name":"f"}"#),
        ] {
            let error = request(&format!(r#","{field}":{value}"#)).unwrap_err();
            assert_eq!(error.param.as_deref(), Some(field));
            assert_eq!(error.code.as_deref(), Some("unsupported_parameter"));
        }
        let asked = request(
            r#","logit_bias":{},"functions":[],"function_call":"none","parallel_tool_calls":false,
               "reasoning_effort":"minimal""#,
        )
        .unwrap();
        assert!(asked.single_call);
        assert_eq!(asked.effort, Some(router::Effort::Low));
    }

    #[test]
    fn a_choice_of_tools_has_tools_to_choose_from() {
        let tools = r#""tools":[{"type":"function","function":{"name":"f"}}]"#;
        let named = r#"{"type":"function","function":{"name":"g"}}"#;
        for fields in [
            r#","tool_choice":"required""#.to_owned(),
            format!(r#","tool_choice":{named}"#),
            format!(r#",{tools},"tool_choice":{named}"#),
        ] {
            let error = request(&fields).unwrap_err();
            assert_eq!(error.param.as_deref(), Some("tool_choice"), "{fields}");
        }
        assert!(request(r#","tool_choice":"none""#).is_ok());
    }

    #[test]
    fn what_is_out_of_range_or_not_offered_is_named() {
        for (field, value) in [
            ("temperature", "2.5"),
            ("top_p", "-0.1"),
            ("presence_penalty", "3"),
            ("n", "2"),
            ("logprobs", "true"),
            ("stop", r#"["a","b","c","d","e"]"#),
            ("stop", r#""""#),
            ("seed", r#""seven""#),
            ("stream", r#""yes""#),
            ("max_tokens", "-1"),
            ("max_completion_tokens", "0"),
        ] {
            let error = request(&format!(r#","{field}":{value}"#)).unwrap_err();
            assert_eq!(error.param.as_deref(), Some(field), "{field}: {value}");
        }
        let none = crate::parse::<ChatCompletionRequest>(br#"{"model":"m","messages":[]}"#);
        assert_eq!(
            none.unwrap().into_router().unwrap_err().param.as_deref(),
            Some("messages")
        );
    }
}
