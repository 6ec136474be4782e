//! The whole answer.

use onelastai_model_router::{ChatUsage, FinishReason};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::{FunctionTool, ResponsesRequest, TextOptions};
use crate::{
    ApiError,
    chat::{Collected, Details},
};

/// What every form of one answer has in common: its name and what was asked.
#[derive(Debug, Clone, PartialEq)]
pub struct ResponseHead {
    /// What the names of this answer and its parts end in.
    pub id: String,
    /// When it began, in seconds since 1970.
    pub created: i64,
    model: String,
    instructions: Option<String>,
    max_output_tokens: Option<u32>,
    temperature: Option<f32>,
    top_p: Option<f32>,
    tools: Vec<FunctionTool>,
    tool_choice: Value,
    parallel_tool_calls: bool,
    text: TextOptions,
    previous_response_id: Option<String>,
    store: bool,
}

impl ResponseHead {
    /// Of an answer to `request`, without a name yet.
    pub fn new(created: i64, request: &ResponsesRequest) -> Self {
        Self {
            id: String::new(),
            created,
            model: request.model.clone(),
            instructions: request.instructions.clone(),
            max_output_tokens: request.max_output_tokens,
            temperature: request.temperature,
            top_p: request.top_p,
            tools: request.tools.clone().unwrap_or_default(),
            tool_choice: request.tool_choice.clone().unwrap_or_else(|| json!("auto")),
            parallel_tool_calls: request.parallel_tool_calls.unwrap_or(true),
            text: request.text.clone().unwrap_or_default(),
            previous_response_id: request.previous_response_id.clone(),
            store: request.stores(),
        }
    }

    /// The same with its name, which is known only once it has been admitted.
    #[must_use]
    pub fn named(self, id: String) -> Self {
        Self { id, ..self }
    }

    /// It isn't kept after all.
    pub(super) fn not_kept(&mut self) {
        self.store = false;
    }

    pub(super) fn message_id(&self) -> String {
        format!("msg_{}", self.id)
    }

    pub(super) fn call_id(&self, index: usize) -> String {
        format!("fc_{}_{index}", self.id)
    }

    /// The answer before anything of it is there.
    pub(super) fn begun(&self) -> Response {
        self.response("in_progress", Vec::new(), None)
    }

    /// The whole answer.
    pub fn whole(
        &self,
        collected: Collected,
        usage: &ChatUsage,
        details: Option<Details>,
    ) -> Response {
        let cut = usage.finish_reason == FinishReason::Length;
        let status = if cut { "incomplete" } else { "completed" };
        let mut output = Vec::new();
        if !collected.text.is_empty() || collected.tool_calls.is_empty() {
            output.push(OutputItem::Message {
                id: self.message_id(),
                status,
                role: "assistant",
                content: vec![OutputText::new(collected.text)],
            });
        }
        for (index, call) in collected.tool_calls.into_iter().enumerate() {
            output.push(OutputItem::FunctionCall {
                id: self.call_id(index),
                call_id: call.id,
                name: call.name,
                arguments: call.arguments,
                status,
            });
        }
        Response {
            incomplete_details: cut.then(|| json!({"reason": "max_output_tokens"})),
            onelastai: details,
            ..self.response(status, output, Some(usage))
        }
    }

    /// An answer that failed. It isn't kept: there is nothing to go on from, and why it failed
    /// was told.
    pub(super) fn failed(&self, error: &ApiError) -> Response {
        let code = error.code.as_deref().unwrap_or("server_error");
        Response {
            error: Some(json!({"code": code, "message": error.message})),
            store: false,
            ..self.response("failed", Vec::new(), None)
        }
    }

    fn response(
        &self,
        status: &'static str,
        output: Vec<OutputItem>,
        usage: Option<&ChatUsage>,
    ) -> Response {
        Response {
            id: format!("resp_{}", self.id),
            object: "response",
            created_at: self.created,
            status,
            error: None,
            incomplete_details: None,
            instructions: self.instructions.clone(),
            max_output_tokens: self.max_output_tokens,
            model: self.model.clone(),
            output,
            parallel_tool_calls: self.parallel_tool_calls,
            previous_response_id: self.previous_response_id.clone(),
            store: self.store,
            temperature: self.temperature,
            top_p: self.top_p,
            text: self.text.clone(),
            tool_choice: self.tool_choice.clone(),
            tools: self.tools.clone(),
            truncation: "disabled",
            usage: usage.map(ResponseUsage::new),
            metadata: Map::new(),
            onelastai: None,
        }
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Response {
    /// `resp_…`
    pub id: String,
    /// Always `response`.
    pub object: &'static str,
    /// When it began, in seconds since 1970.
    pub created_at: i64,
    /// `in_progress`, `completed`, `incomplete` or `failed`.
    pub status: &'static str,
    /// What went wrong.
    pub error: Option<Value>,
    /// Why it is not whole.
    pub incomplete_details: Option<Value>,
    /// As asked.
    pub instructions: Option<String>,
    /// As asked.
    pub max_output_tokens: Option<u32>,
    /// As asked.
    pub model: String,
    /// A message, calls of functions, or both.
    pub output: Vec<OutputItem>,
    /// Always true.
    pub parallel_tool_calls: bool,
    /// As asked.
    pub previous_response_id: Option<String>,
    /// Whether it is kept, for 30 days.
    pub store: bool,
    /// As asked.
    pub temperature: Option<f32>,
    /// As asked.
    pub top_p: Option<f32>,
    /// As asked.
    pub text: TextOptions,
    /// As asked.
    pub tool_choice: Value,
    /// As asked.
    pub tools: Vec<FunctionTool>,
    /// Always `disabled`.
    pub truncation: &'static str,
    /// What it took, once it has ended.
    pub usage: Option<ResponseUsage>,
    /// Always empty.
    pub metadata: Map<String, Value>,
    /// How it came about: nothing of the API's own, and left alone by its SDKs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub onelastai: Option<Details>,
}

/// One part of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum OutputItem {
    /// What the model says.
    Message {
        /// `msg_…`
        id: String,
        /// `in_progress`, `completed` or `incomplete`.
        status: &'static str,
        /// Always `assistant`.
        role: &'static str,
        /// Its text.
        content: Vec<OutputText>,
    },
    /// A function that it asks for.
    FunctionCall {
        /// `fc_…`
        id: String,
        /// Names the call; its result is sent back under it.
        call_id: String,
        /// The function.
        name: String,
        /// JSON, as text, as the model wrote it: check it before use.
        arguments: String,
        /// `in_progress` or `completed`.
        status: &'static str,
    },
}

/// A text of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct OutputText {
    /// Always `output_text`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The text.
    pub text: String,
    /// Always empty.
    pub annotations: Vec<Value>,
    /// Always empty.
    pub logprobs: Vec<Value>,
}

impl OutputText {
    /// Of this text.
    pub fn new(text: String) -> Self {
        Self {
            kind: "output_text",
            text,
            annotations: Vec::new(),
            logprobs: Vec::new(),
        }
    }
}

/// Tokens used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct ResponseUsage {
    /// Read.
    pub input_tokens: u32,
    /// Of these, how many were remembered; always 0: engines here don't tell.
    pub input_tokens_details: InputDetails,
    /// Written, thinking included.
    pub output_tokens: u32,
    /// Of these, how many were thinking; always 0: engines here don't tell.
    pub output_tokens_details: OutputDetails,
    /// Both.
    pub total_tokens: u32,
}

/// Of the tokens read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct InputDetails {
    /// Remembered from before.
    pub cached_tokens: u32,
}

/// Of the tokens written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct OutputDetails {
    /// Thinking.
    pub reasoning_tokens: u32,
}

impl ResponseUsage {
    fn new(usage: &ChatUsage) -> Self {
        Self {
            input_tokens: usage.prompt_tokens,
            input_tokens_details: InputDetails::default(),
            output_tokens: usage.completion_tokens,
            output_tokens_details: OutputDetails::default(),
            total_tokens: usage.prompt_tokens.saturating_add(usage.completion_tokens),
        }
    }
}
