//! Trying an agent before it is saved: one question to one model, and nothing is kept.

use std::time::Duration;

use futures::StreamExt;
use onelastai_agents::AgentDraft;
use onelastai_model_router::{
    ChatEvent, ChatMessage, ChatRequest, ModelError, ModelRouter, Parameters, Policy, Role,
};
use tokio::time::{Instant, timeout_at};

use crate::ChatService;

/// A form's request must end before the server's own patience does.
const PATIENCE: Duration = Duration::from_secs(24);
/// The longest answer here, in tokens.
const LONGEST: u32 = 512;

/// What became of a trial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// What the model said, Markdown.
    pub text: String,
    /// Why there isn't more.
    pub trouble: Option<Trouble>,
    /// From the question to the end.
    pub took: Duration,
}

/// Why a trial has no whole answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// It took too long.
    Time,
    /// The stable name of what went wrong, as an answer would have it.
    Model(String),
}

impl ChatService {
    /// Asks `model` as the agent of `draft` would.
    pub async fn try_out(&self, draft: &AgentDraft, question: &str, model: &str) -> Trial {
        let begun = Instant::now();
        let mut text = String::new();
        let asking = ask(&self.0.router, draft, question, model, &mut text);
        let trouble = match timeout_at(begun + PATIENCE, asking).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(Trouble::Model(error.code().to_owned())),
            Err(_) => Some(Trouble::Time),
        };
        Trial {
            text,
            trouble,
            took: begun.elapsed(),
        }
    }
}

async fn ask(
    router: &ModelRouter,
    draft: &AgentDraft,
    question: &str,
    model: &str,
    text: &mut String,
) -> Result<(), ModelError> {
    let mut messages = Vec::new();
    if !draft.system_prompt.is_empty() {
        messages.push(ChatMessage::new(Role::System, draft.system_prompt.clone()));
    }
    messages.push(ChatMessage::new(Role::User, question));
    let wanted = &draft.parameters;
    let request = ChatRequest {
        preferences: vec![model.to_owned()],
        messages,
        parameters: Parameters {
            temperature: wanted.temperature,
            top_p: wanted.top_p,
            seed: wanted.seed,
            max_tokens: Some(wanted.max_tokens.unwrap_or(LONGEST).min(LONGEST)),
            ..Parameters::default()
        },
        policy: Policy {
            local_only: draft.local_only,
            strict: true,
            ..Policy::default()
        },
        ..ChatRequest::default()
    };
    let mut answer = router.chat(request).await?;
    while let Some(event) = answer.next().await {
        match event? {
            ChatEvent::Text(piece) => text.push_str(&piece),
            ChatEvent::Thinking(_) | ChatEvent::ToolCall(_) => {}
            ChatEvent::Done(_) => break,
        }
    }
    Ok(())
}
