//! OpenAI's chat completions and embeddings (its API reference, "Chat" and "Embeddings"), as
//! vLLM, llama.cpp and the clouds speak them, too.
//!
//! Only `chat/completions`, `embeddings` and `models` are ever called.

mod body;
mod chunk;
mod decoder;
mod probe;
mod sse;
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

pub(super) struct OpenAi {
    clients: Arc<Clients>,
}

impl OpenAi {
    pub(super) fn new(clients: Arc<Clients>) -> Self {
        Self { clients }
    }
}

#[async_trait]
impl Provider for OpenAi {
    async fn chat(
        &self,
        target: Target<'_>,
        request: &ChatRequest,
    ) -> Result<EventStream, ModelError> {
        let body = body::chat(target.model, target.base, request);
        let body = body.map_err(|_| ModelError::Malformed)?;
        let response = http::post(&self.clients, target, "chat/completions", body).await?;
        Ok(Answer::new(response.bytes_stream(), Decoder::default()).boxed())
    }

    async fn embed(
        &self,
        target: Target<'_>,
        request: &EmbedRequest,
    ) -> Result<Vectors, ModelError> {
        let body = vectors::body(target.model, request).map_err(|_| ModelError::Malformed)?;
        let response = http::post(&self.clients, target, "embeddings", body).await?;
        let body = http::vectors(response).await?;
        vectors::read(&body, request.inputs.len())
    }

    async fn probe(&self, target: Target<'_>) -> Probe {
        probe::probe(&self.clients, target).await
    }
}
