//! Trying an agent before it is saved: one question to one model, and nothing is kept of it
//! but what it took.

use std::time::Duration;

use futures::StreamExt;
use onelastai_agents::AgentDraft;
use onelastai_db::new_id;
use onelastai_model_router::{
    ChatEvent, ChatMessage, ChatRequest, ChatUsage, Chosen, ModelError, ModelRouter, Parameters,
    Policy, Role,
};
use onelastai_types::{AnswerStatus, UserId};
use onelastai_usage::{Admission, Ask, Cost, Outcome};
use tokio::time::{Instant, timeout_at};

use crate::{ChatError, ChatService, prompt::BYTES_PER_TOKEN};

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
    /// Asks `model` as the agent of `draft` would. It counts for `user` as any answer does,
    /// but not for the agent, which may not even be there.
    ///
    /// # Errors
    /// [`ChatError::Usage`] where the person's plan doesn't have this model, or not just now.
    pub async fn try_out(
        &self,
        user: UserId,
        draft: &AgentDraft,
        question: &str,
        model: &str,
    ) -> Result<Trial, ChatError> {
        let tier = self.tier_of(user).await?;
        let request = request(user, draft, question, model);
        let told: usize = request.messages.iter().map(|it| it.content.len()).sum();
        let prompt_tokens = u32::try_from(told / BYTES_PER_TOKEN).unwrap_or(u32::MAX);
        let ask = Ask {
            id: new_id(),
            user,
            tier,
            key: None,
            prompt_tokens,
            max_completion_tokens: request.parameters.max_tokens.unwrap_or(LONGEST),
            max_cost_micros: 0,
            agent: None,
            model: model.to_owned(),
        };
        let admission = self.0.usage.admit(ask).await?;
        let begun = Instant::now();
        let mut heard = Heard::default();
        let asking = listen(&self.0.router, request, &admission, &mut heard);
        let trouble = match timeout_at(begun + PATIENCE, asking).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(Trouble::Model(error.code().to_owned())),
            Err(_) => Some(Trouble::Time),
        };
        let took = begun.elapsed();
        let outcome = heard.outcome(trouble.as_ref(), prompt_tokens, took);
        // It is written down in any case; the form need not wait for that.
        drop(self.0.usage.settle(admission, outcome));
        Ok(Trial {
            text: heard.text,
            trouble,
            took,
        })
    }
}

fn request(user: UserId, draft: &AgentDraft, question: &str, model: &str) -> ChatRequest {
    let mut messages = Vec::new();
    if !draft.system_prompt.is_empty() {
        messages.push(ChatMessage::new(Role::System, draft.system_prompt.clone()));
    }
    messages.push(ChatMessage::new(Role::User, question));
    let wanted = &draft.parameters;
    ChatRequest {
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
            user: user.0.as_u128(),
            local_only: draft.local_only,
            // So no other model answers than the one that the plan was asked about.
            strict: true,
            ..Policy::default()
        },
        ..ChatRequest::default()
    }
}

/// What a model said so far.
#[derive(Default)]
struct Heard {
    text: String,
    chosen: Option<Chosen>,
    /// Pieces that came; engines send one for each token, about.
    pieces: u32,
    usage: Option<ChatUsage>,
}

async fn listen(
    router: &ModelRouter,
    request: ChatRequest,
    admission: &Admission,
    heard: &mut Heard,
) -> Result<(), ModelError> {
    let mut answer = router.chat(request).await?;
    heard.chosen = Some(answer.chosen.clone());
    while let Some(event) = answer.next().await {
        match event? {
            ChatEvent::Done(usage) => {
                heard.usage = Some(usage);
                break;
            }
            ChatEvent::Text(piece) => heard.text.push_str(&piece),
            ChatEvent::Thinking(_) | ChatEvent::ToolCall(_) => {}
        }
        heard.pieces += 1;
        admission.count(1);
    }
    Ok(())
}

impl Heard {
    /// For the count; `prompt_tokens` as estimated, where the model told no number.
    fn outcome(&self, trouble: Option<&Trouble>, prompt_tokens: u32, took: Duration) -> Outcome {
        let (status, error_code) = match trouble {
            None => (AnswerStatus::Complete, None),
            Some(Trouble::Time) => (AnswerStatus::Stopped, None),
            Some(Trouble::Model(code)) => (AnswerStatus::Failed, Some(code.clone())),
        };
        let Some(chosen) = &self.chosen else {
            return Outcome {
                error_code,
                total_ms: milliseconds(took),
                ..Outcome::ended(status, 0, 0)
            };
        };
        let told = self.usage.as_ref();
        let read = told.map_or(0, |usage| usage.prompt_tokens);
        let read = if read == 0 { prompt_tokens } else { read };
        let written = told.map_or(0, |usage| usage.completion_tokens);
        let written = if written == 0 { self.pieces } else { written };
        let cost = chosen.price.as_ref().and_then(|price| {
            Some(Cost {
                micros: price.cost(read, written),
                currency: price.currency.parse().ok()?,
            })
        });
        Outcome {
            model: Some(chosen.model_id.clone()),
            instance: Some(chosen.instance.to_string()),
            reason: Some(chosen.reason.clone()),
            error_code,
            waiting_ms: Some(milliseconds(chosen.waited)),
            total_ms: milliseconds(took),
            retries: chosen.retries,
            fallback: chosen.fallback,
            cost,
            ..Outcome::ended(status, read, written)
        }
    }
}

fn milliseconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}
