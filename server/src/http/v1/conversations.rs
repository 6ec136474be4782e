//! `/v1/conversations`: the very conversations that the web chat shows.

use std::{convert::Infallible, sync::Arc};

use axum::{
    Json,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use bytes::Bytes;
use futures::{Stream, stream};
use onelastai_access::{ApiCaller, Scope};
use onelastai_app::state::AppState;
use onelastai_chat::{self as chat, ChatError, Log, Send, Sent};
use onelastai_gateway::require;
use onelastai_openai::{ErrorBody, parse};
use onelastai_types::{AgentId, ConversationId};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{
    caller::Caller,
    conversation_types::{Conversation, ConversationList, Deleted, Message},
    error::Failure,
};

/// The most conversations of one page.
const MOST: i64 = 100;

/// Which conversations.
#[derive(Deserialize, IntoParams)]
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
    Query(page): Query<Page>,
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
/// Says the first thing and waits for the answer.
#[utoipa::path(
    post, path = "/v1/conversations", tag = "Conversations", operation_id = "createConversation",
    request_body = NewConversation,
    responses(
        (status = 201, description = "The conversation with the answer", body = Conversation),
        (status = "4XX", description = "What has to change", body = ErrorBody),
    ),
)]
pub(super) async fn create(
    State(state): State<AppState>,
    Caller(caller, person): Caller,
    headers: HeaderMap,
    body: Bytes,
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
        key: send_key(&headers),
    };
    let sent = state.chat.send(&person, &send).await?;
    ended(&state, &person, sent).await?;
    let conversation = state
        .chat
        .conversation(caller.user, sent.conversation)
        .await?;
    let body = Json(Conversation::from(conversation));
    Ok((StatusCode::CREATED, body).into_response())
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
    Path(id): Path<String>,
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
    Path(id): Path<String>,
    body: Bytes,
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
    Path(id): Path<String>,
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
    Caller(caller, person): Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Failure> {
    require(&caller, Scope::ConversationsWrite)?;
    let new: NewMessage = parse(&body)?;
    let conversation = of(&state, &caller, &id).await?;
    let send = Send {
        conversation: Some(conversation.id),
        agent: None,
        text: new.content,
        key: send_key(&headers),
    };
    let sent = state.chat.send(&person, &send).await?;
    if new.stream {
        let log = state.chat.log(person.user, sent.generation).await?;
        if let Some(log) = log {
            return Ok(Sse::new(events(log))
                .keep_alive(KeepAlive::default())
                .into_response());
        }
    }
    let message = ended(&state, &person, sent).await?;
    Ok(Json(Message::from(message)).into_response())
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

fn events(log: Arc<Log>) -> impl Stream<Item = Result<Event, Infallible>> {
    let batches = stream::unfold((log, 0u64), |(log, seen)| async move {
        let events = log.after(seen).await?;
        let next = seen + events.len() as u64;
        let events: Vec<_> = (seen + 1..)
            .zip(events)
            .map(|(number, event)| {
                let data = serde_json::to_string(&event).unwrap_or_default();
                Ok(Event::default().id(number.to_string()).data(data))
            })
            .collect();
        Some((stream::iter(events), (log, next)))
    });
    futures::StreamExt::flatten(batches)
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
fn send_key(headers: &HeaderMap) -> String {
    let given = headers.get("idempotency-key");
    match given.and_then(|key| key.to_str().ok()) {
        Some(key) if !key.is_empty() && key.len() <= 180 => format!("api:idempotent:{key}"),
        _ => format!("api:{}", Uuid::new_v4()),
    }
}
