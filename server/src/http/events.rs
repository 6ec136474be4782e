//! `GET /api/generations/{id}/events`: an answer as Server-Sent Events
//! (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).
//!
//! `id:` is the number of the last event that a reader has by then; with `Last-Event-ID`
//! or `?after=` it gets exactly the rest.

use std::{collections::VecDeque, convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::{Stream, stream};
use onelastai_app::{
    error::AppError,
    features::chat::{components::render_foot, load::answer_view},
    session,
    state::AppState,
};
use onelastai_chat::{Answer, ChatError, ChatService, Log, Message, Reader, Seen};
use onelastai_markdown::Tail;
use onelastai_types::{
    AnswerStatus, Feedback, Finished, GenerationId, Started, StreamEvent, UserId, ViewEvent,
};
use serde::Deserialize;
use serde_json::Value;

/// Keeps proxies from closing a quiet connection.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How long a reader's own past may take to come back from another replica.
const CATCH_UP: Duration = Duration::from_secs(5);

#[derive(Deserialize)]
pub(super) struct After {
    after: Option<u64>,
}

pub(super) async fn events(
    State(state): State<AppState>,
    Path(id): Path<String>,
    Query(query): Query<After>,
    parts: Parts,
) -> Response {
    match open(&state, &id, &query, &parts).await {
        Ok(response) => response,
        Err(error) => {
            let status =
                StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, error.to_string()).into_response()
        }
    }
}

async fn open(
    state: &AppState,
    id: &str,
    query: &After,
    parts: &Parts,
) -> Result<Response, AppError> {
    let session = session::required(state, parts).await?;
    session::may_chat(&session)?;
    let user = session.user;
    let generation: GenerationId = id.parse().map_err(|_| AppError::NotFound)?;
    let after = last_event_id(&parts.headers).or(query.after).unwrap_or(0);
    let log = state.chat.log(user, generation).await?;
    let resumed = match log {
        Some(log) => Follower::resume(log, generation, after).await,
        None => None,
    };
    let saved = Saved {
        chat: state.chat.clone(),
        user,
        generation,
    };
    Ok(match resumed {
        Some(follower) => sse(follower.events(saved)),
        None => sse(stream::iter(saved.read().await?.into_iter().map(Ok))),
    })
}

fn last_event_id(headers: &HeaderMap) -> Option<u64> {
    headers.get("last-event-id")?.to_str().ok()?.parse().ok()
}

fn sse(events: impl Stream<Item = Result<Event, Infallible>> + Send + 'static) -> Response {
    let mut response = Sse::new(events)
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
        .into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // nginx would collect the events otherwise.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// What the database has of the answer.
struct Saved {
    chat: ChatService,
    user: UserId,
    generation: GenerationId,
}

impl Saved {
    async fn read(&self) -> Result<Vec<Event>, ChatError> {
        let message = self.chat.answer(self.user, self.generation).await?;
        Ok(whole(message))
    }
}

/// One reader of a log.
struct Follower {
    log: Arc<Log>,
    reader: Reader,
    generation: GenerationId,
    started: Option<Started>,
    ready: VecDeque<Event>,
}

impl Follower {
    /// A reader that has seen the first `after` events; `None` where there never were so many.
    async fn resume(log: Arc<Log>, generation: GenerationId, after: u64) -> Option<Self> {
        let mut seen = Vec::new();
        while (seen.len() as u64) < after {
            let more = tokio::time::timeout(CATCH_UP, log.after(seen.len() as u64))
                .await
                .ok()??;
            seen.extend(more);
        }
        let after = usize::try_from(after).ok()?;
        let mut follower = Self {
            log,
            reader: Reader::having_seen(&seen[..after]),
            generation,
            started: seen.iter().find_map(|event| match event {
                StreamEvent::Started(started) => Some(started.clone()),
                _ => None,
            }),
            ready: VecDeque::new(),
        };
        if after == 0 {
            // The page may show what was saved, from a time when the log was out of reach.
            let blocks = String::new();
            follower
                .ready
                .push_back(event(0, &ViewEvent::Reset { blocks }));
        }
        follower.take(&seen[after..]);
        Some(follower)
    }

    fn take(&mut self, events: &[StreamEvent]) {
        for (number, seen) in self.reader.read(events) {
            let view = match seen {
                Seen::Waiting(position) => ViewEvent::Waiting { position },
                Seen::Started(started) => {
                    self.started = Some(started.clone());
                    ViewEvent::Started(started)
                }
                Seen::Patch(patch) => {
                    let (mut tail, mut code, mut prose) = (None, None, None);
                    match patch.tail {
                        Tail::Keep => {}
                        Tail::Replace(html) => tail = Some(html),
                        Tail::AppendCode(text) => code = Some(text),
                        Tail::AppendProse(text) => prose = Some(text),
                    }
                    ViewEvent::Patch {
                        blocks: patch.blocks,
                        tail,
                        code,
                        prose,
                    }
                }
                Seen::Finished(finished) => ViewEvent::Finished {
                    status: finished.status,
                    foot: render_foot(&answer_view(self.answer(&finished), number)),
                },
                Seen::Title(title) => ViewEvent::Title { title },
                Seen::End => ViewEvent::End,
            };
            self.ready.push_back(event(number, &view));
        }
    }

    fn answer(&self, finished: &Finished) -> Answer {
        Answer {
            generation: self.generation,
            status: finished.status,
            // In the database; the page shows it when it is loaded again.
            agent_version: None,
            model: self.started.as_ref().map(|started| started.model.clone()),
            reason: self.started.as_ref().map(|started| started.reason.clone()),
            error: finished.error.clone(),
            prompt_tokens: finished.prompt_tokens,
            completion_tokens: finished.completion_tokens,
            first_token_ms: finished.first_token_ms,
            total_ms: Some(finished.total_ms),
            making: finished.making.clone(),
            feedback: Feedback::None,
        }
    }

    /// Everything up to the end. Where the log can't go on, what was saved, and then the
    /// reader comes back by itself.
    fn events(self, saved: Saved) -> impl Stream<Item = Result<Event, Infallible>> + Send {
        let state = (self, Some(saved));
        stream::unfold(state, |(mut follower, mut saved)| async move {
            let event = follower.next(&mut saved).await?;
            Some((Ok(event), (follower, saved)))
        })
    }

    async fn next(&mut self, saved: &mut Option<Saved>) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            match self.log.after(self.reader.number()).await {
                Some(events) => self.take(&events),
                None if self.log.is_closed() => {
                    self.ready = saved.take()?.read().await.ok()?.into();
                }
                None => return None,
            }
        }
    }
}

/// What a reader gets when the log is gone: everything at once. Where the answer is still
/// being written (its events are out of reach for now) the reader comes back by itself.
fn whole(message: Message) -> Vec<Event> {
    let blocks = onelastai_markdown::render(&message.content).into_string();
    let mut events = vec![event(0, &ViewEvent::Reset { blocks })];
    if let Some(answer) = message
        .answer
        .filter(|it| it.status != AnswerStatus::Generating)
    {
        let status = answer.status;
        let foot = render_foot(&answer_view(answer, 0));
        events.push(event(0, &ViewEvent::Finished { status, foot }));
        events.push(event(0, &ViewEvent::End));
    }
    events
}

/// One event on the wire: the tag as its name, the content as its data.
fn event(number: u64, view: &ViewEvent) -> Event {
    let json = serde_json::to_value(view).unwrap_or_default();
    let name = json["event"].as_str().unwrap_or("error").to_owned();
    let data = match &json["data"] {
        Value::Null => "{}".to_owned(),
        data => data.to_string(),
    };
    Event::default()
        .event(name)
        .id(number.to_string())
        .data(data)
}
