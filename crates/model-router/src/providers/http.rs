//! What all protocols share: asking, refusals, and bodies that have an end.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use reqwest::{RequestBuilder, Response, StatusCode, header};
use serde::{Deserialize, de::DeserializeOwned};

use super::Target;
use crate::{
    client::Clients,
    error::{ModelError, plain},
    health::words,
};

/// The largest request sent. The longest context of the known models is about half a megabyte
/// of text; the rest is pictures.
const LARGEST_REQUEST: usize = 32 << 20;
/// The largest answer to a request for vectors: a few thousand of them.
const LARGEST_VECTORS: usize = 64 << 20;
/// As much of a refusal is read as can hold a sentence.
const LARGEST_REFUSAL: usize = 16 << 10;
/// The longest list of models that is read: about half a kilobyte each.
const LARGEST_LIST: usize = 2 << 20;

/// Asks, and returns once the engine has accepted the request.
pub(super) async fn post(
    clients: &Clients,
    target: Target<'_>,
    path: &str,
    body: Vec<u8>,
) -> Result<Response, ModelError> {
    if body.len() > LARGEST_REQUEST {
        return Err(ModelError::RequestTooLarge);
    }
    let unreachable = || ModelError::Unreachable {
        model: target.model.id.clone(),
        instance: target.shown.to_string(),
    };
    let url = target.base.join(path).map_err(|_| unreachable())?;
    let request = clients.of(&url).post(url);
    let request = with_key(request, target)
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

/// `reqwest` marks the header so that nothing shows it.
fn with_key(request: RequestBuilder, target: Target<'_>) -> RequestBuilder {
    match &target.model.key {
        Some(key) => request.bearer_auth(key.expose()),
        None => request,
    }
}

/// The body of an answer that holds vectors.
pub(super) async fn vectors(response: Response) -> Result<Bytes, ModelError> {
    read_at_most(response, LARGEST_VECTORS)
        .await
        .ok_or(ModelError::Interrupted)
}

/// Why something can't be read about an instance.
#[derive(Debug)]
pub(super) struct Unread {
    /// The status, if that is the reason.
    pub(super) status: Option<u16>,
    /// In words for the operator.
    pub(super) words: String,
}

/// Reads something small about an instance that is thought to be `engine`.
pub(super) async fn get<T: DeserializeOwned>(
    clients: &Clients,
    target: Target<'_>,
    path: &str,
    engine: &str,
) -> Result<T, Unread> {
    let unread = |words| Unread {
        status: None,
        words,
    };
    let url = target
        .base
        .join(path)
        .map_err(|error| unread(error.to_string()))?;
    let response = with_key(clients.of(&url).get(url), target)
        .send()
        .await
        .map_err(|error| unread(words(&error)))?;
    if !response.status().is_success() {
        let status = response.status().as_u16();
        return Err(Unread {
            status: Some(status),
            words: format!("it answered with status {status}; is it {engine}?"),
        });
    }
    let body = read_at_most(response, LARGEST_LIST)
        .await
        .ok_or_else(|| unread("its answer broke off or was too long".to_owned()))?;
    serde_json::from_slice(&body).map_err(|_| {
        unread(format!(
            "its answer could not be understood; is it {engine}?"
        ))
    })
}

/// Turns an answer that is not 200 into an error.
async fn refusal(target: Target<'_>, response: Response) -> ModelError {
    let status = response.status();
    let retry_after = response.headers().get(header::RETRY_AFTER);
    let retry_after = retry_after.and_then(|value| wait(value.to_str().ok()?.trim()));
    let body = read_at_most(response, LARGEST_REFUSAL)
        .await
        .unwrap_or_default();
    let said = said(&body);
    let says = |text: &str| said.as_ref().is_some_and(|said| said.contains(text));
    match status.as_u16() {
        404 if says("not found") || says("does not exist") => ModelError::ModelMissing {
            model: target.model.id.clone(),
        },
        413 => ModelError::RequestTooLarge,
        // Ollama ("the input length exceeds the context length"; 500 in some versions), vLLM and
        // OpenAI ("maximum context length"), llama.cpp ("the available context size").
        400 | 500 if says("context length") || says("context size") => ModelError::RequestTooLarge,
        429 => ModelError::RateLimited { retry_after },
        // Ollama says so when its own queue is full.
        503 if retry_after.is_some() || says("server busy") => {
            ModelError::RateLimited { retry_after }
        }
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

/// A Retry-After in either of its forms (RFC 9110, 10.2.3): seconds, or a date.
fn wait(value: &str) -> Option<Duration> {
    value.parse().map(Duration::from_secs).ok().or_else(|| {
        let date = httpdate::parse_http_date(value).ok()?;
        // A date that is past asks for no wait.
        Some(date.duration_since(SystemTime::now()).unwrap_or_default())
    })
}

/// What an engine says is wrong: `{"error":"…"}` (Ollama), `{"error":{"message":"…"}}` (OpenAI),
/// or `{"message":"…"}` (vLLM, earlier).
pub(super) fn said(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Refusal {
        error: Option<Said>,
        message: Option<String>,
    }
    let refusal: Refusal = serde_json::from_slice(body).ok()?;
    refusal.error.map(|Said(words)| words).or(refusal.message)
}

/// An error in one of its forms.
#[derive(Debug, Deserialize)]
#[serde(from = "Form")]
pub(super) struct Said(pub(super) String);

#[derive(Deserialize)]
#[serde(untagged)]
enum Form {
    Words(String),
    Object { message: String },
    Other(serde::de::IgnoredAny),
}

impl From<Form> for Said {
    fn from(form: Form) -> Self {
        Self(match form {
            Form::Words(words) | Form::Object { message: words } => words,
            Form::Other(_) => "it did not say which".to_owned(),
        })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_in_seconds_or_until_a_date() {
        assert_eq!(wait("7"), Some(Duration::from_secs(7)));
        assert_eq!(wait("soon"), None);
        assert_eq!(wait("-1"), None);
        let past = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert_eq!(wait(past), Some(Duration::ZERO));
        let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(90));
        let until = wait(&date).unwrap().as_secs();
        assert!((80..=90).contains(&until), "{until}");
    }

    #[test]
    fn a_refusal_says_why_if_it_is_one() {
        for body in [
            r#"{"error":"model 'x' not found"}"#,
            r#"{"error":{"message":"model 'x' not found","type":"t","code":7}}"#,
            r#"{"object":"error","message":"model 'x' not found"}"#,
        ] {
            assert_eq!(
                said(body.as_bytes()).as_deref(),
                Some("model 'x' not found")
            );
        }
        assert_eq!(
            said(br#"{"error":[1]}"#).as_deref(),
            Some("it did not say which")
        );
        assert_eq!(said(b"<html>"), None);
        assert_eq!(said(b"{}"), None);
    }
}
