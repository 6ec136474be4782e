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

use self::decoder::Decoder;
use super::{EventStream, Provider, Target, answer::Answer, http};
use crate::{
    chat::ChatRequest,
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
}

#[async_trait]
impl Provider for Ollama {
    async fn chat(
        &self,
        target: Target<'_>,
        request: &ChatRequest,
    ) -> Result<EventStream, ModelError> {
        let body = body::chat(target.model, request).map_err(|_| ModelError::Malformed)?;
        let response = http::post(&self.clients, target, Endpoint::Chat.path(), body).await?;
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
