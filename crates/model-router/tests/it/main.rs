//! The router against servers that misbehave on purpose, and against a real Ollama.
//!
//! `live` needs a running Ollama: `OLLAMA_URLS` (comma-separated) and `OLLAMA_MODEL`. `seven` and `names`
//! start seven of them: `OLLAMA_BINARY`, and the folder `OLLAMA_MODELS`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "these are tests, which clippy sees only in functions marked as such"
)]

mod answers;
mod choice;
mod ejection;
mod fake;
mod faults;
mod health;
mod live;
mod names;
mod ollama;
mod openai;
mod queue;
mod seven;

use std::time::Duration;

use futures::StreamExt;
use onelastai_model_router::{
    ChatEvent, ChatMessage, ChatRequest, ChatStream, ModelError, ModelRouter, ModelSpec, Role,
    RouterConfig,
};
use url::Url;

/// Longer than anything here takes, shorter than a person's patience.
const LONG: Duration = Duration::from_secs(10);
/// A deadline that is meant to pass.
const SHORT: Duration = Duration::from_millis(400);

fn config(models: Vec<ModelSpec>) -> RouterConfig {
    RouterConfig {
        models,
        connect_timeout: LONG,
        first_token_timeout: LONG,
        load_timeout: Duration::ZERO,
        idle_timeout: LONG,
        queue_length: 256,
        queue_timeout: LONG,
        enabled: true,
    }
}

/// A router with one model, `m`, on these instances.
fn router(instances: &[&Url]) -> ModelRouter {
    ModelRouter::new(config(vec![model("m", instances)])).unwrap()
}

/// Of equally busy instances the first is the choice: it has a little more weight.
fn model(id: &str, instances: &[&Url]) -> ModelSpec {
    let urls = instances.iter().map(|url| (*url).clone()).collect();
    let mut model = ModelSpec::ollama(id, "engine-model:1b", urls);
    for (instance, weight) in model.instances.iter_mut().zip((900..1000).rev()) {
        (instance.slots, instance.weight) = (4, weight);
    }
    model
}

/// A question for these models and no others.
fn strict(preferences: &[&str]) -> ChatRequest {
    let mut request = question(preferences);
    request.policy.strict = true;
    request
}

fn question(preferences: &[&str]) -> ChatRequest {
    ChatRequest {
        preferences: preferences.iter().map(|id| (*id).to_owned()).collect(),
        messages: vec![ChatMessage::new(Role::User, "Say hi.")],
        ..ChatRequest::default()
    }
}

async fn ask(router: &ModelRouter) -> Result<ChatStream, ModelError> {
    router.chat(question(&[])).await
}

/// The rest of an answer in words: its pieces, then `done` or the error's code.
async fn rest(stream: &mut ChatStream) -> Vec<String> {
    let mut words = Vec::new();
    while let Some(event) = stream.next().await {
        words.push(match event {
            Ok(ChatEvent::Text(text)) => text,
            Ok(ChatEvent::Thinking(text)) => format!("({text})"),
            Ok(ChatEvent::ToolCall(call)) => {
                format!("{}({})", call.name.unwrap_or_default(), call.arguments)
            }
            Ok(ChatEvent::Done(_)) => "done".to_owned(),
            Err(error) => error.code().to_owned(),
        });
    }
    words
}

/// A whole answer in words, or the code of the error that came instead.
async fn answer(router: &ModelRouter) -> Vec<String> {
    match ask(router).await {
        Ok(mut stream) => rest(&mut stream).await,
        Err(error) => vec![format!("no answer: {}", error.code())],
    }
}
