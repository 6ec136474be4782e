//! `/v1/conversations`: the very conversations that the web chat shows.

use std::{
    fmt::Write,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{Extension, Json, extract::State, http::HeaderMap, response::Response};
use bytes::Bytes;
use futures::{
    Stream, StreamExt,
    stream::{self, BoxStream},
};
use onelastai_access::{ApiCaller, Scope};
use onelastai_app::state::AppState;
use onelastai_chat::{self as chat, ChatError, Log, Send, Sent};
use onelastai_gateway::require;
use onelastai_openai::{ApiError, ErrorBody, parse};
use onelastai_types::{AgentId, ConversationId, StreamEvent};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{
    caller::Caller,
    calls::Calls,
    conversation_types::{Conversation, ConversationList, Deleted, Message},
    error::Failure,
    extract::{Body, Id, Params},
    idempotency::{key, once},
    pieces::{Piece, Pieces},
    reply::Reply,
};

/// The most conversations of one page.
const MOST: i64 = 100;

/// Which conversations.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Page {
    /// How many at most, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<i64>,
    /// Those that come after this one, as `last_id` of the page before says.
    after: Option<Uuid>,
}

/// Begins a conversation.
#[derive(Deserialize, ToSchema)]
pub(super) struct NewConversation {
    /// The agent's slug.
    #[schema(example = "companion")]
    agent: String,
    /// The first thing said.
    content: String,
}

/// Says something.
#[derive(Deserialize, ToSchema)]
pub(super) struct NewMessage {
    /// What is said.
    content: String,
    /// Whether the answer comes piece by piece, as server-sent events.
    #[serde(default)]
    stream: bool,
}

/// A new title.
#[derive(Deserialize, ToSchema)]
pub(super) struct NewTitle {
    /// 1 to 200 characters.
    title: String,
}

/// List conversations
///
/// The one with the newest message first.
#[utoipa::path(
    get, path = "/v1/conversations", tag = "Conversations", operation_id = "listConversations",
    params(Page),
    responses(
        (status = 200, description = "A page of them", body = ConversationList),
        (status = "4XX", description = "What has to change", body = ErrorBody),
    ),
)]
pub(super) async fn list(
    State(state): State<AppState>,
    Caller(caller, _): Caller,
    Params(page): Params<Page>,
) -> Result<Json<ConversationList>, Failure> {
    require(&caller, Scope::ConversationsRead)?;
    let limit = page.limit.unwrap_or(20).clamp(1, MOST);
    let found = state
        .chat
        .conversations_after(
            caller.user,
            page.after.map(Into::into),
            agents(&caller),
            limit + 1,
        )
        .await?;
    Ok(Json(ConversationList::new(found, limit)))
}

/// Begin a conversation
///
/// Says the first thing and waits for the answer. With an `Idempotency-Key`, the same request
/// sent again begins one conversation.
#[utoipa::path(
    post, path = "/v1/conversations", tag = "Conversations", operation_id = "createConversation",
    params(("Idempotency-Key" = Option<String>, Header, description = "Names the request: sent again with the same key, it begins one conversation.")),
    request_body = NewConversation,
    responses(
        (status = 201, description = "The conversation with the answer", body = Conversation),
        (status = "4XX", description = "What has to change", body = ErrorBody),
    ),
)]
pub(super) async fn create(
    State(state): State<AppState>,
    Extension(calls): Extension<Calls>,
    Caller(caller, person): Caller,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Failure> {
    require(&caller, Scope::ConversationsWrite)?;
    let new: NewConversation = parse(&body)?;
    let agent = state.agents.by_slug(&person.viewer(), &new.agent).await;
    let agent = agent.map_err(|error| Failure::from(ChatError::from(error)))?;
    usable(&caller, agent.id)?;
    let send = Send {
        conversation: None,
        agent: Some(new.agent),
        text: new.content,
        key: send_key(&headers)?,
    };
    let beginning = begin(state.clone(), person, send);
    let path = "/v1/conversations";
    once(
        &state,
        &calls,
        caller.user,
        &headers,
        path,
        &body,
        beginning,
    )
    .await
}

async fn begin(state: AppState, person: chat::Caller, send: Send) -> Result<Reply, Failure> {
    let (sent, rates) = state.chat.send_and_tell(&person, &send).await?;
    ended(&state, &person, sent).await?;
    let conversation = state
        .chat
        .conversation(person.user, sent.conversation)
        .await?;
    Ok(Reply::created(&Conversation::from(conversation)).of(sent.generation.0, rates))
}

/// Read a conversation
///
/// With its messages, oldest first.
#[utoipa::path(
    get, path = "/v1/conversations/{id}", tag = "Conversations", operation_id = "retrieveConversation",
    params(("id" = Uuid, Path, description = "The conversation")),
    responses(
        (status = 200, description = "The conversation", body = Conversation),
        (status = 404, description = "There is none, or it is somebody else's", body = ErrorBody),
    ),
)]
pub(super) async fn read(
    State(state): State<AppState>,
    Caller(caller, _): Caller,
    Id(id): Id,
) -> Result<Json<Conversation>, Failure> {
    require(&caller, Scope::ConversationsRead)?;
    let conversation = of(&state, &caller, &id).await?;
    Ok(Json(conversation.into()))
}

/// Rename a conversation
#[utoipa::path(
    patch, path = "/v1/conversations/{id}", tag = "Conversations", operation_id = "updateConversation",
    params(("id" = Uuid, Path, description = "The conversation")),
    request_body = NewTitle,
    responses(
        (status = 200, description = "The conversation", body = Conversation),
        (status = 404, description = "There is none, or it is somebody else's", body = ErrorBody),
    ),
)]
pub(super) async fn rename(
    State(state): State<AppState>,
    Caller(caller, person): Caller,
    Id(id): Id,
    Body(body): Body,
) -> Result<Json<Conversation>, Failure> {
    require(&caller, Scope::ConversationsWrite)?;
    let new: NewTitle = parse(&body)?;
    let conversation = of(&state, &caller, &id).await?;
    state
        .chat
        .rename(&person, conversation.id, &new.title)
        .await?;
    let conversation = of(&state, &caller, &id).await?;
    Ok(Json(conversation.into()))
}

/// Delete a conversation
#[utoipa::path(
    delete, path = "/v1/conversations/{id}", tag = "Conversations", operation_id = "deleteConversation",
    params(("id" = Uuid, Path, description = "The conversation")),
    responses(
        (status = 200, description = "It is gone", body = Deleted),
        (status = 404, description = "There is none, or it is somebody else's", body = ErrorBody),
    ),
)]
pub(super) async fn delete(
    State(state): State<AppState>,
    Caller(caller, person): Caller,
    Id(id): Id,
) -> Result<Json<Deleted>, Failure> {
    require(&caller, Scope::ConversationsWrite)?;
    let conversation = of(&state, &caller, &id).await?;
    state.chat.delete(&person, conversation.id).await?;
    Ok(Json(Deleted::of(conversation.id)))
}

/// Say something in a conversation
///
/// Waits for the answer, or streams it. The answer is made to its end even when the caller goes
/// away. With an `Idempotency-Key`, the same request sent again says it once.
#[utoipa::path(
    post, path = "/v1/conversations/{id}/messages", tag = "Conversations", operation_id = "createMessage",
    params(
        ("id" = Uuid, Path, description = "The conversation"),
        ("Idempotency-Key" = Option<String>, Header, description = "Names the request: sent again with the same key, it says it once."),
    ),
    request_body = NewMessage,
    responses(
        (status = 200, description = "The answer; with `stream`, server-sent events (`started`, `text`, `written`, `finished`, `end`)", body = Message),
        (status = "4XX", description = "What has to change", body = ErrorBody),
    ),
)]
pub(super) async fn say(
    State(state): State<AppState>,
    Extension(calls): Extension<Calls>,
    Caller(caller, person): Caller,
    Id(id): Id,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Failure> {
    require(&caller, Scope::ConversationsWrite)?;
    let new: NewMessage = parse(&body)?;
    let conversation = of(&state, &caller, &id).await?.id;
    let send = Send {
        conversation: Some(conversation),
        agent: None,
        text: new.content,
        key: send_key(&headers)?,
    };
    let answering = answer(state.clone(), calls.clone(), person, send, new.stream);
    let path = format!("/v1/conversations/{conversation}/messages");
    once(
        &state,
        &calls,
        caller.user,
        &headers,
        &path,
        &body,
        answering,
    )
    .await
}

async fn answer(
    state: AppState,
    calls: Calls,
    person: chat::Caller,
    send: Send,
    streams: bool,
) -> Result<Reply, Failure> {
    let (sent, rates) = state.chat.send_and_tell(&person, &send).await?;
    let log = if streams {
        state.chat.log(person.user, sent.generation).await?
    } else {
        None
    };
    let reply = match log {
        Some(log) => Reply::events(calls.watch(Events::of(log))),
        None => Reply::json(&Message::from(ended(&state, &person, sent).await?)),
    };
    Ok(reply.of(sent.generation.0, rates))
}

/// Waits for the end of an answer.
async fn ended(
    state: &AppState,
    person: &chat::Caller,
    sent: Sent,
) -> Result<chat::Message, Failure> {
    if let Some(log) = state.chat.log(person.user, sent.generation).await? {
        let mut seen = 0;
        while let Some(events) = log.after(seen).await {
            seen += events.len() as u64;
        }
    }
    Ok(state.chat.answer(person.user, sent.generation).await?)
}

/// The events of an answer, as they come.
struct Events(BoxStream<'static, Piece>);

impl Events {
    fn of(log: Arc<Log>) -> Self {
        let batches = stream::unfold((log, 0u64), |(log, seen)| async move {
            let events = log.after(seen).await?;
            let next = seen + events.len() as u64;
            Some((written(seen, &events), (log, next)))
        });
        Self(batches.boxed())
    }
}

impl Stream for Events {
    type Item = Piece;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Piece>> {
        self.0.poll_next_unpin(cx)
    }
}

impl Pieces for Events {
    /// The answer itself goes on: it is in the conversation when it has ended.
    fn fail(&mut self, error: ApiError) -> Bytes {
        self.0 = stream::empty().boxed();
        let data = serde_json::to_string(&ErrorBody { error }).unwrap_or_default();
        format!("event: error\ndata: {data}\n\n").into()
    }
}

/// Events as they are sent, each with its number: the first one's is `seen` and one.
fn written(seen: u64, events: &[StreamEvent]) -> Piece {
    let mut out = String::new();
    for (number, event) in (seen + 1..).zip(events) {
        let data = serde_json::to_string(event).unwrap_or_default();
        // A text takes everything.
        let _ = write!(out, "id: {number}\ndata: {data}\n\n");
    }
    if events.last() == Some(&StreamEvent::End) {
        Piece::Last(out.into())
    } else {
        Piece::More(out.into())
    }
}

/// The conversation of this id, if this caller may see it.
async fn of(state: &AppState, caller: &ApiCaller, id: &str) -> Result<chat::Conversation, Failure> {
    let id: ConversationId = id.parse().map_err(|_| Failure::not_found("conversation"))?;
    let conversation = state.chat.conversation(caller.user, id).await?;
    usable(caller, conversation.agent.id)?;
    Ok(conversation)
}

/// The only agents whose conversations a key is for; `None` for all.
fn agents(caller: &ApiCaller) -> Option<&[AgentId]> {
    caller.key.as_ref()?.agents.as_deref()
}

fn usable(caller: &ApiCaller, agent: AgentId) -> Result<(), Failure> {
    match agents(caller) {
        Some(agents) if !agents.contains(&agent) => Err(Failure::not_found("conversation")),
        _ => Ok(()),
    }
}

/// What names a send: what the caller named it, or something new.
fn send_key(headers: &HeaderMap) -> Result<String, Failure> {
    Ok(match key(headers)? {
        Some(key) => format!("api:idempotent:{key}"),
        None => format!("api:{}", Uuid::new_v4()),
    })
}
