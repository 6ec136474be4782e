//! The whole answer, and what an answer is collected into.

use onelastai_model_router::{self as router, ChatEvent, ChatUsage, FinishReason};
use serde::Serialize;
use utoipa::ToSchema;

use super::ToolCall;

/// What every chunk and every whole answer begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Names the answer: `chatcmpl-…`.
    pub id: String,
    /// When it began, in seconds since 1970.
    pub created: i64,
    /// The model as the request named it.
    pub model: String,
}

/// A whole answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ChatCompletion {
    /// Names the answer.
    pub id: String,
    /// Always `chat.completion`.
    pub object: &'static str,
    /// When it began, in seconds since 1970.
    pub created: i64,
    /// The model as the request named it.
    pub model: String,
    /// Always one.
    pub choices: Vec<Choice>,
    /// What it took.
    pub usage: Usage,
    /// How it came about: nothing of the API's own, and left alone by its SDKs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub onelastai: Option<Details>,
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Choice {
    /// Always 0.
    pub index: u32,
    /// The message.
    pub message: AssistantMessage,
    /// Always null: log probabilities are not offered.
    pub logprobs: Option<()>,
    /// Why it ended: `stop`, `length`, `tool_calls` or `content_filter`.
    pub finish_reason: &'static str,
}

/// What the model said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AssistantMessage {
    /// Always `assistant`.
    pub role: &'static str,
    /// Its text; null where it only asked for tools.
    pub content: Option<String>,
    /// What it thought aloud, where the model does that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_content: Option<String>,
    /// The functions it asks for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    /// Always null.
    pub refusal: Option<()>,
}

/// Tokens used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Usage {
    /// Read.
    pub prompt_tokens: u32,
    /// Written, thinking included.
    pub completion_tokens: u32,
    /// Both.
    pub total_tokens: u32,
}

impl Usage {
    /// Both counts and their sum.
    pub fn new(prompt_tokens: u32, completion_tokens: u32) -> Self {
        Self {
            prompt_tokens,
            completion_tokens,
            total_tokens: prompt_tokens.saturating_add(completion_tokens),
        }
    }
}

/// Which model and instance answered, why, and how long it took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Details {
    /// Our name of the model that answered.
    pub model: String,
    /// Why that one, in words.
    pub reason: String,
    /// Waiting for a free place, in milliseconds.
    pub waiting_ms: u64,
    /// From the request to the first token, in milliseconds.
    pub first_token_ms: Option<u64>,
    /// Other instances that were tried before.
    pub retries: u8,
    /// Whether another model than the first wanted one answered.
    pub fallback: bool,
}

/// The name of a reason as the API has it. Some engines say of an answer that `calls` tools that
/// it stopped; one that was cut off has arguments that are no whole JSON, and must say so.
pub(crate) fn reason(reason: FinishReason, calls: bool) -> &'static str {
    match reason {
        FinishReason::Stop | FinishReason::Other if calls => "tool_calls",
        FinishReason::Stop | FinishReason::Other => "stop",
        FinishReason::Length => "length",
        FinishReason::ToolCalls => "tool_calls",
        FinishReason::ContentFilter => "content_filter",
    }
}

/// What there is of an answer so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Collected {
    /// Its text.
    pub text: String,
    /// What the model thought aloud.
    pub thinking: String,
    /// The functions it asks for.
    pub tool_calls: Vec<router::ToolCall>,
}

impl Collected {
    /// Takes one more piece; tells what it took if that was the last.
    pub fn push(&mut self, event: ChatEvent) -> Option<ChatUsage> {
        match event {
            ChatEvent::Text(text) if self.text.is_empty() => self.text = text,
            ChatEvent::Text(text) => self.text.push_str(&text),
            ChatEvent::Thinking(text) => self.thinking.push_str(&text),
            ChatEvent::ToolCall(delta) => {
                let index = delta.index as usize;
                if self.tool_calls.len() <= index && index < 128 {
                    self.tool_calls.resize_with(index + 1, || router::ToolCall {
                        id: String::new(),
                        name: String::new(),
                        arguments: String::new(),
                    });
                }
                if let Some(call) = self.tool_calls.get_mut(index) {
                    call.id.push_str(&delta.id.unwrap_or_default());
                    call.name.push_str(&delta.name.unwrap_or_default());
                    call.arguments.push_str(&delta.arguments);
                }
            }
            ChatEvent::Done(usage) => return Some(usage),
        }
        None
    }

    /// The response.
    pub fn into_completion(
        self,
        head: Head,
        usage: &ChatUsage,
        onelastai: Option<Details>,
    ) -> ChatCompletion {
        let finish_reason = reason(usage.finish_reason, !self.tool_calls.is_empty());
        ChatCompletion {
            id: head.id,
            object: "chat.completion",
            created: head.created,
            model: head.model,
            choices: vec![Choice {
                index: 0,
                message: AssistantMessage {
                    role: "assistant",
                    content: (!self.text.is_empty() || self.tool_calls.is_empty())
                        .then_some(self.text),
                    reasoning_content: (!self.thinking.is_empty()).then_some(self.thinking),
                    tool_calls: self.tool_calls.into_iter().map(Into::into).collect(),
                    refusal: None,
                },
                logprobs: None,
                finish_reason,
            }],
            usage: Usage::new(usage.prompt_tokens, usage.completion_tokens),
            onelastai,
        }
    }
}
