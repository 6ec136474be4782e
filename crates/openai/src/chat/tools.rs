//! Functions that a model may ask for.

use onelastai_model_router as router;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::ApiError;

/// The most functions of one request, as the API has it.
const MOST_TOOLS: usize = 128;

/// A function that the model may ask for.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
pub struct ToolDefinition {
    /// Always `function`.
    #[serde(rename = "type")]
    #[schema(example = "function")]
    pub kind: String,
    /// The function.
    pub function: Function,
}

/// What a function is and takes.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
pub struct Function {
    /// At most 64 letters, digits, `_` and `-`.
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

/// Whether the model must, may or may not ask for a function.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(untagged, expecting = "`auto`, `none`, `required` or a named function")]
pub enum ToolChoice {
    /// `auto`, `none` or `required`.
    Mode(Mode),
    /// This one.
    Named {
        /// Its name.
        function: Named,
    },
}

/// How free the model is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// It may.
    Auto,
    /// It may not.
    None,
    /// It must.
    Required,
}

/// A function by its name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
pub struct Named {
    /// The name.
    pub name: String,
}

/// A function that a model asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ToolCall {
    /// Names the call; its result is sent back under it.
    pub id: String,
    /// Always `function`.
    #[serde(rename = "type", default = "function")]
    pub kind: String,
    /// Which function, with what.
    pub function: CalledFunction,
}

/// Which function, with what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CalledFunction {
    /// The function's name.
    pub name: String,
    /// JSON, as text, as the model wrote it: check it before use.
    pub arguments: String,
}

fn function() -> String {
    "function".to_owned()
}

impl From<ToolCall> for router::ToolCall {
    fn from(call: ToolCall) -> Self {
        Self {
            id: call.id,
            name: call.function.name,
            arguments: call.function.arguments,
        }
    }
}

impl From<router::ToolCall> for ToolCall {
    fn from(call: router::ToolCall) -> Self {
        Self {
            id: call.id,
            kind: function(),
            function: CalledFunction {
                name: call.name,
                arguments: call.arguments,
            },
        }
    }
}

impl From<ToolChoice> for router::ToolChoice {
    fn from(choice: ToolChoice) -> Self {
        match choice {
            ToolChoice::Mode(Mode::Auto) => Self::Auto,
            ToolChoice::Mode(Mode::None) => Self::None,
            ToolChoice::Mode(Mode::Required) => Self::Required,
            ToolChoice::Named { function } => Self::Named(function.name),
        }
    }
}

/// The tools of a request, as the router has them.
pub(crate) fn into_router(tools: Vec<ToolDefinition>) -> Result<Vec<router::Tool>, ApiError> {
    if tools.len() > MOST_TOOLS {
        return Err(ApiError::invalid(
            "tools",
            format!("At most {MOST_TOOLS} tools can be given."),
        ));
    }
    let tools = tools.into_iter().enumerate();
    tools
        .map(|(index, tool)| {
            if tool.kind != "function" {
                return Err(ApiError::unsupported(
                    &format!("tools[{index}].type"),
                    "Only tools of the type `function` are offered here.",
                ));
            }
            named(
                &tool.function.name,
                &format!("tools[{index}].function.name"),
            )?;
            Ok(router::Tool {
                name: tool.function.name,
                description: tool.function.description,
                parameters: tool.function.parameters,
                strict: tool.function.strict,
            })
        })
        .collect()
}

/// Whether there is what has to be called.
pub(crate) fn fitting(choice: &router::ToolChoice, tools: &[router::Tool]) -> Result<(), ApiError> {
    let there_is = match choice {
        router::ToolChoice::Auto | router::ToolChoice::None => true,
        router::ToolChoice::Required => !tools.is_empty(),
        router::ToolChoice::Named(name) => tools.iter().any(|tool| tool.name == *name),
    };
    if there_is {
        Ok(())
    } else {
        Err(ApiError::invalid(
            "tool_choice",
            "`tool_choice` asks for a function that is not among the `tools`.",
        ))
    }
}

pub(crate) fn named(name: &str, at: &str) -> Result<(), ApiError> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if (1..=64).contains(&name.len()) && name.bytes().all(fits) {
        Ok(())
    } else {
        Err(ApiError::invalid(
            at,
            "A name has 1 to 64 letters, digits, `_` and `-`.",
        ))
    }
}
