//! A request that may be made, until it is settled.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use onelastai_types::{AgentId, AnswerStatus, UserId};
use tokio::time::Instant;
use uuid::Uuid;

use crate::{Ask, Outcome, RateLimit, Rates, UsageService, rows::Settlement};

/// What this process knows of a request under way.
#[derive(Debug)]
pub(crate) struct Open {
    pub id: Uuid,
    pub user: UserId,
    pub key: Option<Uuid>,
    pub agent: Option<AgentId>,
    pub model: String,
    pub prompt_tokens: u32,
    pub since_ms: i64,
    pub since: Instant,
    /// Tokens of the answer so far.
    pub completion_tokens: AtomicU32,
}

impl Open {
    pub(crate) fn new(ask: Ask, since_ms: i64) -> Self {
        Self {
            id: ask.id,
            user: ask.user,
            key: ask.key.map(|key| key.id),
            agent: ask.agent,
            model: ask.model,
            prompt_tokens: ask.prompt_tokens,
            since_ms,
            since: Instant::now(),
            completion_tokens: AtomicU32::new(0),
        }
    }

    pub(crate) fn settlement(&self, outcome: Outcome) -> Settlement {
        Settlement {
            id: self.id,
            user: self.user,
            key: self.key,
            since_ms: self.since_ms,
            outcome: Outcome {
                agent: outcome.agent.or(self.agent),
                ..outcome
            },
        }
    }
}

/// What a request comes to whose end nobody told of.
///
/// A model says what it read only at the end. Where it has written something it has read
/// the prompt, so the estimate stands for it; where it hasn't, nothing is known to be used.
pub(crate) fn interrupted(
    model: &str,
    prompt_tokens: u32,
    completion_tokens: u32,
    code: &str,
    total_ms: u128,
) -> Outcome {
    let read = if completion_tokens > 0 {
        prompt_tokens
    } else {
        0
    };
    Outcome {
        model: (!model.is_empty()).then(|| model.to_owned()),
        error_code: Some(code.to_owned()),
        total_ms: u32::try_from(total_ms).unwrap_or(u32::MAX),
        ..Outcome::ended(AnswerStatus::Interrupted, read, completion_tokens)
    }
}

/// Leave to make a request, with what it may take reserved.
///
/// Give it to [`UsageService::settle`]. One that is dropped instead, as when a client hangs
/// up, is settled as interrupted with the tokens counted so far.
#[must_use = "dropping it ends the request as interrupted"]
pub struct Admission {
    service: UsageService,
    /// None once it is settled.
    open: Option<Arc<Open>>,
    id: Uuid,
    rates: Rates,
}

impl Admission {
    pub(crate) fn new(service: UsageService, open: Arc<Open>, rates: Rates) -> Self {
        Self {
            service,
            id: open.id,
            open: Some(open),
            rates,
        }
    }

    /// Of the request.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// The limit of which the least is left, after this request; none where there is none.
    #[must_use]
    pub fn headers(&self) -> Option<RateLimit> {
        self.rates.tightest
    }

    /// What is left after this request, also of requests and of tokens alone.
    #[must_use]
    pub fn rates(&self) -> Rates {
        self.rates
    }

    /// Counts tokens of the answer as they come.
    pub fn count(&self, tokens: u32) {
        if let Some(open) = &self.open {
            open.completion_tokens.fetch_add(tokens, Ordering::Relaxed);
        }
    }

    pub(crate) fn take(&mut self) -> Option<Arc<Open>> {
        self.open.take()
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        if let Some(open) = self.open.take() {
            let outcome = interrupted(
                &open.model,
                open.prompt_tokens,
                open.completion_tokens.load(Ordering::Relaxed),
                "disconnected",
                open.since.elapsed().as_millis(),
            );
            drop(self.service.end(&open, outcome));
        }
    }
}
