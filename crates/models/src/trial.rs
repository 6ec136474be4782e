//! A question to one instance, for an operator who wants to know whether it answers.

use std::time::{Duration, Instant};

use futures::StreamExt;
use onelastai_model_router::{
    ChatEvent, ChatMessage, ChatRequest, EmbedRequest, InstanceHealth, ModelError, ModelRouter,
    ModelSpec, Parameters, Policy, Role, RouterConfig,
};
use tokio::time::timeout;

use crate::{error::ModelsError, instances::address, service::ModelService};

/// The longest wait; a request for a page has 30 s.
const PATIENCE: Duration = Duration::from_secs(24);
const QUESTION: &str = "Say hello in one short sentence.";
const LONGEST: u32 = 24;

/// What came of it.
#[derive(Debug, Clone)]
pub struct Trial {
    /// What a check found.
    pub health: InstanceHealth,
    /// The answer to a short question, where the instance could be asked.
    pub answer: Option<Result<Answer, String>>,
}

/// An answer to a short question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its beginning; of a model that turns texts into vectors, how many numbers came.
    pub text: String,
    /// From the question to the first piece.
    pub first_token: Duration,
    /// From the question to the end.
    pub total: Duration,
}

impl ModelService {
    /// Checks one instance and asks it something short, past the queue and also while it is
    /// drained or ejected. What the check finds counts for the router; the answer doesn't.
    ///
    /// # Errors
    /// [`ModelsError::NotFound`] where there is no such instance.
    pub async fn try_out(&self, model: &str, instance: &str) -> Result<Trial, ModelsError> {
        let instance = instance.trim_end_matches('/');
        let models = self.router().models();
        let spec = models.iter().find(|spec| spec.id == model);
        let alone = spec.and_then(|spec| alone(spec, instance));
        let alone = alone.ok_or(ModelsError::NotFound)?;
        let url = instance.parse().map_err(|_| ModelsError::NotFound)?;
        let health = self.router().check(model, &url).await;
        let health = health.ok_or(ModelsError::NotFound)?;
        if !health.is_usable() {
            return Ok(Trial {
                health,
                answer: None,
            });
        }
        let answer = match timeout(PATIENCE, ask(alone)).await {
            Ok(answer) => answer,
            Err(_) => Err(format!(
                "no answer within {} s; it may be loading the model, so try again",
                PATIENCE.as_secs()
            )),
        };
        Ok(Trial {
            health,
            answer: Some(answer),
        })
    }
}

/// The model with this one instance.
fn alone(spec: &ModelSpec, instance: &str) -> Option<ModelSpec> {
    let found = spec
        .instances
        .iter()
        .find(|it| address(&it.url) == instance)?;
    Some(ModelSpec {
        instances: vec![found.clone()],
        ..spec.clone()
    })
}

/// A router of its own, so that nothing is said about the instance to those who use it.
async fn ask(spec: ModelSpec) -> Result<Answer, String> {
    let words = |error: ModelError| error.to_string();
    let (id, chats) = (spec.id.clone(), spec.capabilities.chat);
    let router = ModelRouter::new(RouterConfig {
        models: vec![spec],
        ..RouterConfig::default()
    })
    .map_err(|error| error.to_string())?;
    let policy = Policy {
        local_only: false,
        strict: true,
        ..Policy::default()
    };
    let asked = Instant::now();
    if !chats {
        let request = EmbedRequest {
            model: id,
            inputs: vec![QUESTION.to_owned()],
            dimensions: None,
            policy,
        };
        let embeddings = router.embed(request).await.map_err(words)?;
        let numbers = embeddings.vectors.first().map_or(0, Vec::len);
        return Ok(Answer {
            text: format!("{numbers} numbers"),
            first_token: asked.elapsed(),
            total: asked.elapsed(),
        });
    }
    let request = ChatRequest {
        preferences: vec![id],
        messages: vec![ChatMessage::new(Role::User, QUESTION)],
        parameters: Parameters {
            max_tokens: Some(LONGEST),
            ..Parameters::default()
        },
        policy,
        ..ChatRequest::default()
    };
    let mut stream = router.chat(request).await.map_err(words)?;
    let first_token = asked.elapsed();
    let (mut text, mut thought) = (String::new(), String::new());
    while let Some(event) = stream.next().await {
        match event.map_err(words)? {
            ChatEvent::Text(piece) => text.push_str(&piece),
            ChatEvent::Thinking(piece) => thought.push_str(&piece),
            _ => {}
        }
    }
    // What thinks first may not get further in so few words.
    let said = if text.trim().is_empty() {
        thought
    } else {
        text
    };
    Ok(Answer {
        text: said.trim().chars().take(200).collect(),
        first_token,
        total: asked.elapsed(),
    })
}
