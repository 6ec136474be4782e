//! Ollama's HTTP API, as described in its `docs/api.md` and `docs/api/errors.mdx`.
//!
//! Only what [`Endpoint`] lists is ever called: nothing that pulls, makes, copies or removes a
//! model.

mod answer;
mod body;
mod lines;
mod probe;
mod wire;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use reqwest::{Response, StatusCode, header};
use url::Url;

use self::answer::Answer;
use super::{EventStream, Provider, Target};
use crate::{
    chat::ChatRequest,
    client::Clients,
    embed::{EmbedRequest, Vectors},
    error::{ModelError, plain},
    health::Probe,
};

/// The largest request sent. The longest context of the known models is about half a megabyte
/// of text; the rest is pictures.
const LARGEST_REQUEST: usize = 32 << 20;
/// The largest answer to a request for vectors: a few thousand of them.
const LARGEST_VECTORS: usize = 64 << 20;
/// As much of a refusal is read as can hold a sentence.
const LARGEST_REFUSAL: usize = 16 << 10;

#[derive(Clone, Copy)]
enum Endpoint {
    Chat,
    Embed,
    Tags,
    Version,
    Ps,
}

impl Endpoint {
    fn at(self, base: &Url) -> Result<Url, url::ParseError> {
        base.join(match self {
            Self::Chat => "api/chat",
            Self::Embed => "api/embed",
            Self::Tags => "api/tags",
            Self::Version => "api/version",
            Self::Ps => "api/ps",
        })
    }
}

pub(super) struct Ollama {
    clients: Arc<Clients>,
}

impl Ollama {
    pub(super) fn new(clients: Arc<Clients>) -> Self {
        Self { clients }
    }

    /// Asks, and returns once the engine has accepted the request.
    async fn post(
        &self,
        target: Target<'_>,
        endpoint: Endpoint,
        body: Vec<u8>,
    ) -> Result<Response, ModelError> {
        if body.len() > LARGEST_REQUEST {
            return Err(ModelError::RequestTooLarge);
        }
        let unreachable = || ModelError::Unreachable {
            model: target.model.id.clone(),
            instance: target.shown.to_string(),
        };
        let url = endpoint.at(target.base).map_err(|_| unreachable())?;
        let request = self
            .clients
            .of(&url)
            .post(url)
            .header(header::CONTENT_TYPE, "application/json")
            .body(body);
        let response = request.send().await.map_err(|error| {
            // The address may hold credentials; what is left says what went wrong.
            let error = error.without_url();
            tracing::debug!(model = %target.model.id, instance = %target.shown, ?error, "request failed");
            if error.is_connect() { unreachable() } else { ModelError::Interrupted }
        })?;
        if response.status() != StatusCode::OK {
            return Err(refusal(target, response).await);
        }
        Ok(response)
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
        let response = self.post(target, Endpoint::Chat, body).await?;
        Ok(Answer::new(response.bytes_stream()).boxed())
    }

    async fn embed(
        &self,
        target: Target<'_>,
        request: &EmbedRequest,
    ) -> Result<Vectors, ModelError> {
        let body = body::embed(target.model, request).map_err(|_| ModelError::Malformed)?;
        let response = self.post(target, Endpoint::Embed, body).await?;
        let body = read_at_most(response, LARGEST_VECTORS)
            .await
            .ok_or(ModelError::Interrupted)?;
        wire::vectors(&body, request.inputs.len())
    }

    async fn probe(&self, target: Target<'_>) -> Probe {
        probe::probe(self.clients.of(target.base), target).await
    }
}

/// Turns an answer that is not 200 into an error. What Ollama says, it says in `{"error":"…"}`.
async fn refusal(target: Target<'_>, response: Response) -> ModelError {
    let status = response.status();
    let retry_after = response.headers().get(header::RETRY_AFTER);
    let retry_after = retry_after.and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let body = read_at_most(response, LARGEST_REFUSAL)
        .await
        .unwrap_or_default();
    let said = wire::error_text(&body);
    match status.as_u16() {
        404 if said.as_ref().is_some_and(|said| said.contains("not found")) => {
            ModelError::ModelMissing {
                model: target.model.id.clone(),
            }
        }
        413 => ModelError::RequestTooLarge,
        429 => ModelError::RateLimited {
            retry_after: retry_after.map(Duration::from_secs),
        },
        code => ModelError::Refused {
            status: code,
            message: match said {
                Some(said) => plain(&said, 300),
                None if status.is_redirection() => {
                    "it points elsewhere, which is not followed".to_owned()
                }
                None => "it gave no reason".to_owned(),
            },
        },
    }
}

/// The whole body, or `None` if it is longer than `most` bytes or breaks off.
async fn read_at_most(mut response: Response, most: usize) -> Option<Bytes> {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= most => body.extend_from_slice(&chunk),
            Ok(None) => return Some(body.into()),
            Ok(Some(_)) | Err(_) => return None,
        }
    }
}
