//! What is said, called and returned so far.

use onelastai_model_router::{ChatMessage, Role, ToolCall};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    ApiError,
    chat::{MOST_MESSAGES, MessageRole, fitting, picture},
};

/// A question, or everything so far.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(untagged, expecting = "a text or a list of items")]
pub enum Input {
    /// What the person says.
    Text(String),
    /// Everything so far, oldest first.
    Items(Vec<InputItem>),
}

/// One thing that was said, called or returned.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(untagged, expecting = "a message, a function call or its output")]
pub enum InputItem {
    /// Anything but a message.
    Typed(TypedItem),
    /// A message; its `type` may be left out.
    Message {
        /// Who says it.
        role: MessageRole,
        /// What is said.
        content: MessageContent,
    },
}

/// Items that say what they are.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum TypedItem {
    /// A function that the model asked for.
    FunctionCall {
        /// Names the call.
        call_id: String,
        /// The function.
        name: String,
        /// JSON, as text.
        arguments: String,
    },
    /// What the function returned.
    FunctionCallOutput {
        /// Which call.
        call_id: String,
        /// What came back.
        output: String,
    },
    /// A pointer to what was thought before: nothing that could be read again.
    Reasoning {},
}

/// A text or parts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(
    untagged,
    expecting = "a text or a list of parts (`input_text`, `input_image`)"
)]
pub enum MessageContent {
    /// A text.
    Text(String),
    /// Parts.
    Parts(Vec<InputPart>),
}

/// One part of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum InputPart {
    /// What a person or the instructions say.
    InputText {
        /// The text.
        text: String,
    },
    /// What the model said before.
    OutputText {
        /// The text.
        text: String,
    },
    /// What it refused with.
    Refusal {
        /// Its words.
        refusal: String,
    },
    /// A picture.
    InputImage {
        /// `data:image/png;base64,…`
        image_url: String,
    },
}

impl Input {
    /// As the router has it.
    pub(crate) fn into_router(self) -> Result<Vec<ChatMessage>, ApiError> {
        let items = match self {
            Self::Text(text) => return Ok(vec![ChatMessage::new(Role::User, text)]),
            Self::Items(items) => items,
        };
        if items.is_empty() {
            return Err(ApiError::invalid(
                "input",
                "There must be something to answer.",
            ));
        }
        if items.len() > MOST_MESSAGES {
            return Err(ApiError::invalid(
                "input",
                format!("At most {MOST_MESSAGES} items can be sent at once."),
            ));
        }
        messages(items)
    }
}

/// Items as messages, however many they are.
pub(super) fn messages(items: Vec<InputItem>) -> Result<Vec<ChatMessage>, ApiError> {
    let mut messages = Vec::with_capacity(items.len());
    for (index, item) in items.into_iter().enumerate() {
        let at = format!("input[{index}]");
        match item {
            InputItem::Message { role, content } => {
                messages.push(message(role, content, &at)?);
            }
            InputItem::Typed(TypedItem::FunctionCall {
                call_id,
                name,
                arguments,
            }) => messages.push(ChatMessage {
                tool_calls: vec![ToolCall {
                    id: call_id,
                    name,
                    arguments,
                }],
                ..ChatMessage::new(Role::Assistant, "")
            }),
            InputItem::Typed(TypedItem::FunctionCallOutput { call_id, output }) => {
                messages.push(ChatMessage {
                    tool_call_id: Some(call_id),
                    ..ChatMessage::new(Role::Tool, output)
                });
            }
            InputItem::Typed(TypedItem::Reasoning {}) => {}
        }
    }
    Ok(messages)
}

fn message(role: MessageRole, content: MessageContent, at: &str) -> Result<ChatMessage, ApiError> {
    let role = match role {
        MessageRole::System | MessageRole::Developer => Role::System,
        MessageRole::User => Role::User,
        MessageRole::Assistant => Role::Assistant,
        MessageRole::Tool => {
            return Err(ApiError::invalid(
                at,
                "What a function returned is a `function_call_output`.",
            ));
        }
    };
    let parts = match content {
        MessageContent::Text(text) => return Ok(ChatMessage::new(role, text)),
        MessageContent::Parts(parts) => parts,
    };
    let (mut text, mut images) = (Vec::new(), Vec::new());
    for (index, part) in parts.into_iter().enumerate() {
        match part {
            InputPart::InputText { text: more }
            | InputPart::OutputText { text: more }
            | InputPart::Refusal { refusal: more } => text.push(more),
            InputPart::InputImage { image_url } => {
                let at = format!("{at}.content[{index}].image_url");
                images.push(picture(&image_url, &at)?);
            }
        }
    }
    fitting(role, &images, at)?;
    Ok(ChatMessage {
        images,
        ..ChatMessage::new(role, text.join("\n"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_and_its_result_come_back_as_messages() {
        let input: Input = serde_json::from_str(
            r#"[{"role":"user","content":"How warm is it?"},
                {"type":"reasoning","id":"rs_1","summary":[]},
                {"type":"function_call","id":"fc_1","call_id":"call_1","name":"warmth","arguments":"{}","status":"completed"},
                {"type":"function_call_output","call_id":"call_1","output":"21"},
                {"type":"message","role":"assistant","content":[{"type":"output_text","text":"21 degrees.","annotations":[]}]},
                {"type":"message","role":"user","content":[{"type":"input_text","text":"And this?"},
                 {"type":"input_image","image_url":"data:image/png;base64,iVBORw=="}]}]"#,
        )
        .unwrap();
        let messages = input.into_router().unwrap();
        let roles: Vec<_> = messages.iter().map(|message| message.role).collect();
        assert_eq!(
            roles,
            [
                Role::User,
                Role::Assistant,
                Role::Tool,
                Role::Assistant,
                Role::User
            ]
        );
        assert_eq!(messages[1].tool_calls[0].name, "warmth");
        assert_eq!(messages[2].tool_call_id.as_deref(), Some("call_1"));
        assert_eq!(messages[4].images.len(), 1);
    }

    #[test]
    fn there_is_a_least_and_a_most() {
        let ask = |count: usize| {
            let items = vec![r#"{"role":"user","content":"Hi"}"#; count].join(",");
            serde_json::from_str::<Input>(&format!("[{items}]"))
                .unwrap()
                .into_router()
        };
        assert_eq!(ask(MOST_MESSAGES).unwrap().len(), MOST_MESSAGES);
        for count in [0, MOST_MESSAGES + 1] {
            assert_eq!(ask(count).unwrap_err().param.as_deref(), Some("input"));
        }
    }

    #[test]
    fn pictures_have_the_limits_of_chat_completions() {
        let ask = |role: &str, count: usize| {
            let part = r#"{"type":"input_image","image_url":"data:image/png;base64,iVBORw=="}"#;
            let parts = vec![part; count].join(",");
            serde_json::from_str::<Input>(&format!(r#"[{{"role":"{role}","content":[{parts}]}}]"#))
                .unwrap()
                .into_router()
        };
        assert_eq!(ask("user", 16).unwrap()[0].images.len(), 16);
        for (role, count, at) in [("user", 17, "input[0].content"), ("system", 1, "input[0]")] {
            assert_eq!(ask(role, count).unwrap_err().param.as_deref(), Some(at));
        }
    }
}
