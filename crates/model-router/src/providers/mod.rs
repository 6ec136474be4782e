//! How the engines are spoken to: one folder for each protocol behind a small trait.

mod answer;
mod http;
mod lines;
mod ollama;
mod openai;

use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::BoxStream;
use url::Url;

use crate::{
    answer::ChatEvent,
    chat::ChatRequest,
    client::Clients,
    embed::{EmbedRequest, Vectors},
    error::ModelError,
    health::Probe,
    spec::{ModelSpec, ProviderKind},
};

/// An answer as a provider gives it: pieces, then [`ChatEvent::Done`] or an error, then nothing
/// more to be said; it ends when the connection has been read to its end. Dropping it closes
/// the connection.
pub(crate) type EventStream = BoxStream<'static, Result<ChatEvent, ModelError>>;

/// One model at one instance.
#[derive(Clone, Copy)]
pub(crate) struct Target<'a> {
    pub(crate) model: &'a ModelSpec,
    /// The instance's address, ending in a slash, perhaps with credentials.
    pub(crate) base: &'a Url,
    /// The same without credentials.
    pub(crate) shown: &'a Url,
    /// The tokens that the instance reads at most, where an operator said so.
    pub(crate) context: Option<u32>,
}

/// A protocol. Deadlines other than the one for connecting are the router's business.
#[async_trait]
pub(crate) trait Provider: Send + Sync {
    /// Asks, and returns once the engine has accepted the request.
    async fn chat(
        &self,
        target: Target<'_>,
        request: &ChatRequest,
    ) -> Result<EventStream, ModelError>;

    /// Turns texts into vectors.
    async fn embed(
        &self,
        target: Target<'_>,
        request: &EmbedRequest,
    ) -> Result<Vectors, ModelError>;

    /// Asks how the instance is, with requests that change nothing and load nothing.
    async fn probe(&self, target: Target<'_>) -> Probe;
}

/// All providers, sharing the HTTP clients.
pub(crate) struct Providers {
    ollama: ollama::Ollama,
    openai: openai::OpenAi,
}

impl Providers {
    pub(crate) fn new(clients: Arc<Clients>) -> Self {
        Self {
            ollama: ollama::Ollama::new(Arc::clone(&clients)),
            openai: openai::OpenAi::new(clients),
        }
    }

    pub(crate) fn of(&self, kind: ProviderKind) -> &dyn Provider {
        match kind {
            ProviderKind::Ollama => &self.ollama,
            ProviderKind::OpenAi => &self.openai,
        }
    }
}
