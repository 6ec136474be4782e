//! An answer that is counted while it comes and settled before its end is told.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use futures::{Stream, StreamExt};
use onelastai_model_router::{ChatEvent, ChatStream, ChatUsage, Chosen, Embeddings, ModelError};
use onelastai_types::{AgentId, AnswerStatus};
use onelastai_usage::{Admission, Cost, Outcome, Rates, Settled, UsageService};
use uuid::Uuid;

/// What is known of a call from the beginning.
#[derive(Debug)]
pub(crate) struct Meter {
    pub(crate) begun: Instant,
    pub(crate) agent: Option<AgentId>,
    /// As estimated.
    pub(crate) prompt_tokens: u32,
}

/// An answer, piece by piece, as a [`ChatStream`] has it; its last piece comes when what it
/// took is in the database. Dropping it ends the answer and settles what there was.
pub struct Metered {
    /// Names the call: `agent_interactions.id`.
    pub id: Uuid,
    /// What is left of the limits.
    pub rates: Rates,
    stream: ChatStream,
    usage: UsageService,
    meter: Meter,
    first_token: Option<Duration>,
    pieces: u32,
    state: State,
}

enum State {
    Answering(Admission),
    Settling(Settled, Option<Result<ChatEvent, ModelError>>),
    Over,
}

impl Metered {
    pub(crate) fn new(
        stream: ChatStream,
        usage: UsageService,
        admission: Admission,
        meter: Meter,
    ) -> Self {
        Self {
            id: admission.id(),
            rates: admission.rates(),
            stream,
            usage,
            meter,
            first_token: None,
            pieces: 0,
            state: State::Answering(admission),
        }
    }

    /// Which model and instance answer, and why.
    pub fn chosen(&self) -> &Chosen {
        &self.stream.chosen
    }

    /// The agent that answers; `None` where a model was asked.
    pub fn agent(&self) -> Option<AgentId> {
        self.meter.agent
    }

    /// From the call to the first piece.
    pub fn first_token(&self) -> Option<Duration> {
        self.first_token
    }

    fn count(&mut self, event: &ChatEvent) {
        if matches!(event, ChatEvent::Done(_)) {
            return;
        }
        if self.first_token.is_none() {
            self.first_token = Some(self.meter.begun.elapsed());
        }
        // Engines send one piece for each token, about; the end tells the exact number.
        self.pieces = self.pieces.saturating_add(1);
        if let State::Answering(admission) = &self.state {
            admission.count(1);
        }
    }

    /// Begins to settle; `last` is told when that is done.
    fn end(&mut self, mut last: Option<Result<ChatEvent, ModelError>>) {
        let State::Answering(admission) = std::mem::replace(&mut self.state, State::Over) else {
            return;
        };
        let outcome = match &mut last {
            Some(Ok(ChatEvent::Done(usage))) => {
                // What is told is what is settled.
                usage.prompt_tokens = counted_or(usage.prompt_tokens, self.meter.prompt_tokens);
                usage.completion_tokens = counted_or(usage.completion_tokens, self.pieces);
                self.outcome(AnswerStatus::Complete, None, usage)
            }
            Some(Err(error)) => {
                self.outcome(AnswerStatus::Failed, Some(error.code()), &self.counted())
            }
            _ => self.outcome(AnswerStatus::Stopped, None, &self.counted()),
        };
        self.state = State::Settling(self.usage.settle(admission, outcome), last);
    }

    /// What an answer without an end took.
    fn counted(&self) -> ChatUsage {
        ChatUsage {
            prompt_tokens: self.meter.prompt_tokens,
            completion_tokens: self.pieces,
            load_ms: 0,
            prompt_eval_ms: 0,
            eval_ms: 0,
            finish_reason: onelastai_model_router::FinishReason::Other,
        }
    }

    fn outcome(
        &self,
        status: AnswerStatus,
        error: Option<&'static str>,
        usage: &ChatUsage,
    ) -> Outcome {
        Outcome {
            first_token_ms: self.first_token.map(milliseconds),
            ..outcome(
                &self.meter,
                &self.stream.chosen,
                status,
                error,
                usage.prompt_tokens,
                usage.completion_tokens,
            )
        }
    }
}

impl Stream for Metered {
    type Item = Result<ChatEvent, ModelError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            match &mut this.state {
                State::Answering(_) => match this.stream.poll_next_unpin(cx) {
                    Poll::Ready(Some(Ok(event))) if !matches!(event, ChatEvent::Done(_)) => {
                        this.count(&event);
                        return Poll::Ready(Some(Ok(event)));
                    }
                    Poll::Ready(last) => this.end(last),
                    Poll::Pending => return Poll::Pending,
                },
                State::Settling(settled, last) => {
                    std::task::ready!(Pin::new(settled).poll(cx));
                    let last = last.take();
                    this.state = State::Over;
                    return Poll::Ready(last);
                }
                State::Over => return Poll::Ready(None),
            }
        }
    }
}

impl Drop for Metered {
    /// Whoever asked has gone: what there was is settled all the same.
    fn drop(&mut self) {
        self.end(None);
    }
}

impl fmt::Debug for Metered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metered")
            .field("id", &self.id)
            .field("chosen", &self.stream.chosen)
            .finish_non_exhaustive()
    }
}

/// A call that no model answered.
pub(crate) fn failed(meter: &Meter, error: &ModelError) -> Outcome {
    Outcome {
        error_code: Some(error.code().to_owned()),
        total_ms: milliseconds(meter.begun.elapsed()),
        agent: meter.agent,
        ..Outcome::ended(AnswerStatus::Failed, 0, 0)
    }
}

/// Vectors that were made. What they are told to have taken is what is settled.
pub(crate) fn embedded(meter: &Meter, embeddings: &mut Embeddings) -> Outcome {
    embeddings.prompt_tokens = counted_or(embeddings.prompt_tokens, meter.prompt_tokens);
    let (chosen, tokens) = (&embeddings.chosen, embeddings.prompt_tokens);
    outcome(meter, chosen, AnswerStatus::Complete, None, tokens, 0)
}

fn outcome(
    meter: &Meter,
    chosen: &Chosen,
    status: AnswerStatus,
    error: Option<&'static str>,
    prompt_tokens: u32,
    completion_tokens: u32,
) -> Outcome {
    Outcome {
        model: Some(chosen.model_id.clone()),
        instance: Some(chosen.instance.to_string()),
        reason: Some(chosen.reason.clone()),
        error_code: error.map(str::to_owned),
        waiting_ms: Some(milliseconds(chosen.waited)),
        total_ms: milliseconds(meter.begun.elapsed()),
        retries: chosen.retries,
        fallback: chosen.fallback,
        cost: cost(chosen, prompt_tokens, completion_tokens),
        agent: meter.agent,
        ..Outcome::ended(status, prompt_tokens, completion_tokens)
    }
}

/// What an engine counted, or where it doesn't count what we know of it.
fn counted_or(counted: u32, known: u32) -> u32 {
    if counted == 0 { known } else { counted }
}

fn cost(chosen: &Chosen, prompt_tokens: u32, completion_tokens: u32) -> Option<Cost> {
    let price = chosen.price.as_ref()?;
    Some(Cost {
        micros: price.cost(prompt_tokens, completion_tokens),
        currency: price.currency.parse().ok()?,
    })
}

fn milliseconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}
