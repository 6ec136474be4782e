//! Ollama's HTTP API, as described in its `docs/api.md` and `docs/api/errors.mdx`.
//!
//! Only what [`Endpoint`] lists is ever called: nothing that pulls, makes, copies or removes a
//! model.

mod body;
mod decoder;
mod forced;
mod probe;
mod vectors;
mod wire;

use std::sync::Arc;

use async_trait::async_trait;
use futures::{StreamExt, future};
use reqwest::Response;

use self::decoder::Decoder;
use super::{EventStream, Provider, Target, answer::Answer, http};
use crate::{
    answer::ChatEvent,
    chat::{ChatRequest, ToolChoice},
    client::Clients,
    embed::{EmbedRequest, Vectors},
    error::ModelError,
    health::Probe,
};

/// All that is ever called.
#[derive(Clone, Copy)]
enum Endpoint {
    Chat,
    Embed,
    Tags,
    Version,
    Ps,
}

impl Endpoint {
    fn path(self) -> &'static str {
        match self {
            Self::Chat => "api/chat",
            Self::Embed => "api/embed",
            Self::Tags => "api/tags",
            Self::Version => "api/version",
            Self::Ps => "api/ps",
        }
    }
}

pub(super) struct Ollama {
    clients: Arc<Clients>,
}

impl Ollama {
    pub(super) fn new(clients: Arc<Clients>) -> Self {
        Self { clients }
    }

    async fn ask(&self, target: Target<'_>, request: &ChatRequest) -> Result<Response, ModelError> {
        let body = body::chat(target.model, target.context, request);
        let body = body.map_err(|_| ModelError::Malformed)?;
        http::post(&self.clients, target, Endpoint::Chat.path(), body).await
    }

    /// Asks; and asks for less where the model can't do something that it need not do.
    async fn ask_for_less(
        &self,
        target: Target<'_>,
        request: &ChatRequest,
    ) -> Result<Response, ModelError> {
        let mut less: Option<ChatRequest> = None;
        loop {
            let asked = less.as_ref().unwrap_or(request);
            let refusal = match self.ask(target, asked).await {
                Ok(response) => return Ok(response),
                Err(refusal) => refusal,
            };
            less = Some(without_what_it_cannot(&refusal, asked).ok_or(refusal)?);
        }
    }
}

/// The request without what it was refused for, if the model is free to do without that: tools,
/// which clients such as Open WebUI offer with every question, and thinking.
fn without_what_it_cannot(refusal: &ModelError, request: &ChatRequest) -> Option<ChatRequest> {
    let ModelError::Refused {
        status: 400,
        message,
    } = refusal
    else {
        return None;
    };
    // Ollama's `errCapabilityTools` and `errCapabilityThinking`, which it tells in no other way.
    let is_tools = message.contains("does not support tools")
        && request.tool_choice == ToolChoice::Auto
        && !request.tools.is_empty();
    let is_thinking = message.contains("does not support thinking") && request.effort.is_some();
    let mut less = request.clone();
    match (is_tools, is_thinking) {
        (true, _) => less.tools.clear(),
        (false, true) => less.effort = None,
        (false, false) => return None,
    }
    Some(less)
}

/// Whether it is none of the calls after the first.
fn is_first(event: &Result<ChatEvent, ModelError>) -> bool {
    !matches!(event, Ok(ChatEvent::ToolCall(call)) if call.index > 0)
}

#[async_trait]
impl Provider for Ollama {
    async fn chat(
        &self,
        target: Target<'_>,
        request: &ChatRequest,
    ) -> Result<EventStream, ModelError> {
        let forced = forced::forced(request);
        let asked = forced.as_ref().map_or(request, |(asked, _)| asked);
        let response = self.ask_for_less(target, asked).await?;
        let events = Answer::new(response.bytes_stream(), Decoder::default()).boxed();
        Ok(match forced {
            Some((_, calls)) => calls.read(events),
            None if request.single_call => events.filter(|it| future::ready(is_first(it))).boxed(),
            None => events,
        })
    }

    async fn embed(
        &self,
        target: Target<'_>,
        request: &EmbedRequest,
    ) -> Result<Vectors, ModelError> {
        let body = vectors::body(target.model, target.context, request);
        let body = body.map_err(|_| ModelError::Malformed)?;
        let response = http::post(&self.clients, target, Endpoint::Embed.path(), body).await?;
        let body = http::vectors(response).await?;
        vectors::read(&body, request.inputs.len())
    }

    async fn probe(&self, target: Target<'_>) -> Probe {
        probe::probe(&self.clients, target).await
    }
}
