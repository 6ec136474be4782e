//! The task that makes one answer, from the first word to the last.

use std::{
    convert::Infallible,
    future::pending,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::StreamExt;
use onelastai_agents::Agent;
use onelastai_model_router::{
    ChatEvent, ChatRequest, ChatStream, ChatUsage, Chosen, FinishReason, ModelError, ModelRouter,
    Parameters, Policy,
};
use onelastai_types::{AnswerStatus, Started, StreamEvent, UserId};
use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval, sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    Author, Caller, ChatError, ChatService, Log, Sent,
    allowance::Bounds,
    code,
    live::Live,
    prompt::{BYTES_PER_TOKEN, prompt},
    settle::{Settlement, Usage},
    title,
};

/// The longest answer, in bytes: more is a model that has lost its way.
const MAX_ANSWER: usize = 1 << 20;
/// Tokens of an answer where the agent sets no limit.
pub(crate) const MAX_TOKENS: u32 = 4096;

/// How long a batch waits for what came while nothing was read.
const GATHER: Duration = Duration::from_millis(2);

/// An answer to make.
pub(crate) struct Job {
    sent: Sent,
    user: UserId,
    /// The API key that asked for it.
    key: Option<Uuid>,
    agent: Agent,
    /// The first answer of its conversation.
    first: bool,
    fencing_token: i64,
    /// What the person's tier leaves of the models.
    bounds: Bounds,
    begun: Instant,
}

impl Job {
    pub(crate) fn new(
        sent: Sent,
        caller: &Caller,
        agent: Agent,
        first: bool,
        fencing_token: i64,
    ) -> Self {
        Self {
            sent,
            user: caller.user,
            key: caller.key_id(),
            agent,
            first,
            fencing_token,
            bounds: Bounds::default(),
            begun: Instant::now(),
        }
    }

    /// Under a limit of the tier.
    pub(crate) fn within(self, bounds: Bounds) -> Self {
        Self { bounds, ..self }
    }

    fn elapsed_ms(&self) -> i32 {
        i32::try_from(self.begun.elapsed().as_millis()).unwrap_or(i32::MAX)
    }
}

/// What is there of an answer so far.
#[derive(Default)]
struct Draft {
    text: String,
    /// The end of `text` that no event has yet.
    unsent: usize,
    /// How much of `text` the last checkpoint saved.
    saved: usize,
    chosen: Option<Chosen>,
    /// What the model was told, about.
    prompt_tokens: i32,
    /// Pieces that came; Ollama sends one for each token.
    pieces: i32,
    first_token_ms: Option<i32>,
}

impl Draft {
    fn flush(&mut self, log: &Log) {
        if self.unsent < self.text.len() {
            log.append(StreamEvent::Text {
                text: self.text[self.unsent..].to_owned(),
            });
            self.unsent = self.text.len();
        }
    }
}

fn lock(draft: &Mutex<Draft>) -> MutexGuard<'_, Draft> {
    draft.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How the writing ended.
enum Ending {
    Complete(ChatUsage),
    Stopped,
    Failed(String),
    /// The process is about to end.
    Shutdown,
    /// Another replica has taken the answer over.
    Lost,
}

impl From<ModelError> for Ending {
    fn from(error: ModelError) -> Self {
        Self::Failed(error.code().to_owned())
    }
}

impl ChatService {
    /// Begins to make an answer, in a task of its own.
    pub(crate) fn start(&self, job: Job) {
        let live = self.0.hub.begin(job.sent.generation);
        let service = self.clone();
        self.0
            .tasks
            .spawn(async move { service.make(&job, &live).await });
    }

    async fn make(&self, job: &Job, live: &Live) {
        let (log, stop) = (&*live.log, &live.stop);
        let draft = Mutex::new(Draft::default());
        let ending = tokio::select! {
            ending = self.write_answer(job, &draft, log, stop) => ending,
            () = self.keep(job, &draft, stop) => Ending::Lost,
            () = self.0.shutdown.cancelled() => Ending::Shutdown,
        };
        let mut draft = draft.into_inner().unwrap_or_else(PoisonError::into_inner);
        draft.flush(log);
        log.append(StreamEvent::Written);
        let text = draft.text.clone();
        let settlement = settlement(job, draft, ending);
        let complete = settlement.status == AnswerStatus::Complete;
        log.append(StreamEvent::Finished(self.settle_at_last(settlement).await));
        if complete && job.first {
            self.entitle(job, &text, log).await;
        }
        log.append(StreamEvent::End);
    }

    async fn write_answer(
        &self,
        job: &Job,
        draft: &Mutex<Draft>,
        log: &Log,
        stop: &CancellationToken,
    ) -> Ending {
        let (queue, place) = watch::channel(None);
        let opened = tokio::select! {
            biased;
            () = stop.cancelled() => return Ending::Stopped,
            opened = self.ask(job, queue) => opened,
            never = tell_place(place, log) => match never {},
        };
        let (mut stream, prompt_tokens) = match opened {
            Ok(opened) => opened,
            Err(ending) => return ending,
        };
        log.append(StreamEvent::Started(Started {
            model: stream.chosen.model_id.clone(),
            reason: stream.chosen.reason.clone(),
        }));
        {
            let mut draft = lock(draft);
            draft.chosen = Some(stream.chosen.clone());
            draft.prompt_tokens = prompt_tokens;
        }

        let mut gathered: Option<Instant> = None;
        loop {
            let event = tokio::select! {
                biased;
                () = stop.cancelled() => return Ending::Stopped,
                () = sleep_until(gathered.unwrap_or_else(Instant::now)), if gathered.is_some() => {
                    lock(draft).flush(log);
                    gathered = None;
                    // Not reading for a while costs far less than to wake for every token.
                    tokio::select! {
                        () = stop.cancelled() => return Ending::Stopped,
                        () = sleep(self.0.settings.batch) => continue,
                    }
                }
                event = stream.next() => event,
            };
            match event {
                Some(Ok(ChatEvent::Text(text))) => {
                    let mut draft = lock(draft);
                    draft.text.push_str(&text);
                    draft.pieces += 1;
                    if draft.first_token_ms.is_none() {
                        // The first word at once; what follows in batches.
                        draft.first_token_ms = Some(job.elapsed_ms());
                        draft.flush(log);
                    } else if gathered.is_none() {
                        gathered = Some(Instant::now() + GATHER);
                    }
                    if draft.text.len() > MAX_ANSWER {
                        return Ending::Failed(code::ANSWER_TOO_LONG.to_owned());
                    }
                }
                Some(Ok(ChatEvent::Thinking(_) | ChatEvent::ToolCall(_))) => {
                    lock(draft).pieces += 1;
                }
                Some(Ok(ChatEvent::Done(usage))) => return Ending::Complete(usage),
                Some(Err(error)) => return error.into(),
                None => return ModelError::Interrupted.into(),
            }
        }
    }

    /// The model's answer, and about how many tokens it was told.
    async fn ask(
        &self,
        job: &Job,
        queue: watch::Sender<Option<usize>>,
    ) -> Result<(ChatStream, i32), Ending> {
        let branch = self.branch(job.sent.conversation, Some(job.sent.answer)).await.map_err(
            |error| {
                tracing::error!(generation = %job.sent.generation, %error, "can't read the question");
                Ending::Failed(code::DATABASE.to_owned())
            },
        )?;
        debug_assert!(
            branch
                .iter()
                .any(|message| message.author == Author::Person)
        );
        let context = self
            .0
            .router
            .models()
            .iter()
            .map(|model| model.context_length)
            .chain(job.bounds.context)
            .min();
        let wanted = &job.agent.parameters;
        let messages = prompt(&job.agent, &branch, context.unwrap_or(2048));
        let told: usize = messages.iter().map(|message| message.content.len()).sum();
        let request = ChatRequest {
            preferences: available(&self.0.router, &job.agent),
            messages,
            parameters: Parameters {
                temperature: wanted.temperature,
                top_p: wanted.top_p,
                seed: wanted.seed,
                max_tokens: Some(wanted.max_tokens.unwrap_or(MAX_TOKENS)),
                ..Parameters::default()
            },
            policy: Policy {
                user: job.user.0.as_u128(),
                local_only: job.agent.local_only,
                allowed: job.bounds.models.clone(),
                ..Policy::default()
            },
            // A long conversation goes on, also where nobody said how little the engine holds.
            may_shorten: true,
            queue: Some(queue),
            ..ChatRequest::default()
        };
        let opened = self.0.router.chat(request).await.map_err(|error| {
            tracing::warn!(generation = %job.sent.generation, %error, "no model answers");
            Ending::from(error)
        })?;
        Ok((
            opened,
            i32::try_from(told / BYTES_PER_TOKEN).unwrap_or(i32::MAX),
        ))
    }

    /// Saves the text and renews the lease again and again; comes back only when
    /// another replica has taken the answer over.
    async fn keep(&self, job: &Job, draft: &Mutex<Draft>, stop: &CancellationToken) {
        let mut ticks = interval(self.0.settings.checkpoint);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.tick().await; // The first is at once, and there is nothing to save.
        loop {
            ticks.tick().await;
            match self.checkpoint(job, draft).await {
                Ok(Some(stop_requested)) if stop_requested => stop.cancel(),
                Ok(Some(_)) => {}
                Ok(None) => return,
                // The text is safe in this process; the next tick tries again.
                Err(error) => {
                    tracing::warn!(generation = %job.sent.generation, %error, "checkpoint failed");
                }
            }
        }
    }

    /// Whether a stop was asked for; `None` where the answer isn't ours any more.
    async fn checkpoint(&self, job: &Job, draft: &Mutex<Draft>) -> Result<Option<bool>, ChatError> {
        let (text, model, length) = {
            let draft = lock(draft);
            let changed = draft.text.len() > draft.saved;
            let model = draft.chosen.as_ref().map(|chosen| chosen.model_id.clone());
            (changed.then(|| draft.text.clone()), model, draft.text.len())
        };
        // One statement, so that text never gets in under a lost lease.
        let stop = sqlx::query_scalar!(
            r#"WITH lease AS (
                   UPDATE generations
                   SET lease_expires_at = now() + make_interval(secs => $3),
                       model = coalesce($5, model)
                   WHERE id = $1 AND fencing_token = $2 AND status = 'generating'
                   RETURNING message_id, stop_requested_at
               ), saved AS (
                   UPDATE messages SET content = $4
                   FROM lease
                   WHERE messages.id = lease.message_id AND $4::text IS NOT NULL
               )
               SELECT stop_requested_at IS NOT NULL AS "stop!" FROM lease"#,
            job.sent.generation.0,
            job.fencing_token,
            self.0.settings.lease.as_secs_f64(),
            text,
            model,
        )
        .fetch_optional(&self.0.pool)
        .await?;
        if stop.is_some() {
            lock(draft).saved = length;
        }
        Ok(stop)
    }

    /// Gives the conversation a better title than the beginning of its question.
    async fn entitle(&self, job: &Job, answer: &str, log: &Log) {
        let conversation = job.sent.conversation;
        let question = sqlx::query_scalar!(
            "SELECT content FROM messages WHERE id = $1",
            job.sent.question.0
        );
        let Ok(question) = question.fetch_one(&self.0.pool).await else {
            return;
        };
        let suggested = tokio::select! {
            title = title::suggest(&self.0.router, &job.agent, &question, answer) => title,
            () = self.0.shutdown.cancelled() => None,
        };
        let Some(title) = suggested else { return };
        let changed = sqlx::query!(
            "UPDATE conversations SET title = $2, title_source = 'model'
             WHERE id = $1 AND title_source = 'question'",
            conversation.0,
            title,
        )
        .execute(&self.0.pool)
        .await;
        match changed {
            Ok(changed) if changed.rows_affected() == 1 => {
                log.append(StreamEvent::Title { title });
            }
            Ok(_) => {} // A person was faster.
            Err(error) => tracing::warn!(%conversation, %error, "can't save the title"),
        }
    }
}

/// Tells of every place in the line for a model, as long as it is waited for; 0 while it is loaded.
async fn tell_place(mut place: watch::Receiver<Option<usize>>, log: &Log) -> Infallible {
    while place.changed().await.is_ok() {
        let position = place
            .borrow_and_update()
            .and_then(|it| u32::try_from(it).ok());
        if let Some(position) = position {
            log.append(StreamEvent::Waiting { position });
        }
    }
    pending().await
}

/// The models that an agent prefers, of those that are set up here; where there is none of
/// them, any model may answer: an agent that can't answer is of no use to anybody.
pub(crate) fn available(router: &ModelRouter, agent: &Agent) -> Vec<String> {
    let known = |name: &&String| router.models().iter().any(|model| model.id == **name);
    agent
        .model_preferences
        .iter()
        .filter(known)
        .cloned()
        .collect()
}

fn settlement(job: &Job, draft: Draft, ending: Ending) -> Settlement {
    let counted = Usage {
        prompt_tokens: draft.prompt_tokens,
        completion_tokens: draft.pieces,
        cut_off: false,
    };
    let (status, error, usage) = match ending {
        Ending::Complete(usage) => (
            AnswerStatus::Complete,
            None,
            Usage {
                prompt_tokens: i32::try_from(usage.prompt_tokens).unwrap_or(i32::MAX),
                completion_tokens: i32::try_from(usage.completion_tokens).unwrap_or(i32::MAX),
                cut_off: usage.finish_reason == FinishReason::Length,
            },
        ),
        // A model tells its counts only at the end, so these are ours.
        Ending::Stopped => (AnswerStatus::Stopped, None, counted),
        Ending::Failed(code) => (AnswerStatus::Failed, Some(code), counted),
        Ending::Shutdown => (
            AnswerStatus::Interrupted,
            Some(code::SHUTDOWN.to_owned()),
            counted,
        ),
        Ending::Lost => (
            AnswerStatus::Interrupted,
            Some(code::LEASE_LOST.to_owned()),
            counted,
        ),
    };
    Settlement {
        generation: job.sent.generation,
        agent: job.agent.id,
        user: job.user,
        key: job.key,
        fencing_token: job.fencing_token,
        status,
        error,
        text: draft.text,
        chosen: draft.chosen,
        usage,
        first_token_ms: draft.first_token_ms,
        total_ms: job.elapsed_ms(),
    }
}
