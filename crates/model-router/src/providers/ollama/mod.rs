//! Ollama's HTTP API, as described in its `docs/api.md` and `docs/api/errors.mdx`.
//!
//! Only what [`Endpoint`] lists is ever called: nothing that pulls, makes, copies or removes a
//! model.

mod body;
mod decoder;
mod probe;
mod vectors;
mod wire;

use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt;
use reqwest::Response;

use self::decoder::Decoder;
use super::{EventStream, Provider, Target, answer::Answer, http};
use crate::{
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
        let body = body::chat(target.model, request).map_err(|_| ModelError::Malformed)?;
        http::post(&self.clients, target, Endpoint::Chat.path(), body).await
    }
}

/// Whether the model was only refused because it can't call tools, which it need not do. Clients
/// such as Open WebUI offer tools with every question.
fn is_for_want_of_tools(refusal: &ModelError, request: &ChatRequest) -> bool {
    // Ollama's `errCapabilityTools`, which it tells in no other way.
    matches!(refusal, ModelError::Refused { status: 400, message, .. }
        if message.contains("does not support tools"))
        && request.tool_choice == ToolChoice::Auto
        && !request.tools.is_empty()
}

#[async_trait]
impl Provider for Ollama {
    async fn chat(
        &self,
        target: Target<'_>,
        request: &ChatRequest,
    ) -> Result<EventStream, ModelError> {
        let response = match self.ask(target, request).await {
            Err(refusal) if is_for_want_of_tools(&refusal, request) => {
                // It is free to call none, as one that knows none does.
                let mut request = request.clone();
                request.tools.clear();
                self.ask(target, &request).await?
            }
            response => response?,
        };
        Ok(Answer::new(response.bytes_stream(), Decoder::default()).boxed())
    }

    async fn embed(
        &self,
        target: Target<'_>,
        request: &EmbedRequest,
    ) -> Result<Vectors, ModelError> {
        let body = vectors::body(target.model, request).map_err(|_| ModelError::Malformed)?;
        let response = http::post(&self.clients, target, Endpoint::Embed.path(), body).await?;
        let body = http::vectors(response).await?;
        vectors::read(&body, request.inputs.len())
    }

    async fn probe(&self, target: Target<'_>) -> Probe {
        probe::probe(&self.clients, target).await
    }
}
