//! Everything that the chat page shows, from the services.

use onelastai_agents::AgentError;
use onelastai_chat::{Answer, Author as Wrote, ChatService, Message, Reader};
use onelastai_types::{AnswerStatus, ConversationId, StreamEvent, UserId};

use super::view::{
    AgentCard, AnswerView, Author, ChatPage, ConversationLink, ConversationView, MessageView,
};
use crate::{
    error::AppError,
    features::account::usage,
    place::Place,
    session::{agents_viewer, may_chat, now, place, signed_in},
    state::AppState,
};

/// The most conversations in the rail.
const RAIL: usize = 100;

/// The page of one conversation, or of a new one with `agent` (the first, if none is named).
/// Its rail begins after `before`.
///
/// # Errors
/// [`AppError::SignedOut`], [`AppError::NoChat`], and [`AppError::NotFound`] for what isn't
/// the viewer's.
pub async fn chat_page(
    conversation: Option<ConversationId>,
    agent: Option<String>,
    deleted: Option<ConversationId>,
    before: Option<ConversationId>,
) -> Result<ChatPage, AppError> {
    let (state, session, viewer) = signed_in().await?.ok_or(AppError::SignedOut)?;
    may_chat(&session)?;
    let (user, chat) = (session.user, &state.chat);
    let viewer_of_agents = agents_viewer(&session);
    let place = place();
    let agents = match &place {
        Place::Main => state.agents.list(&viewer_of_agents).await?,
        // At its own place there is this agent and no other.
        Place::Agent(slug) => match state.agents.card_by_slug(&viewer_of_agents, slug).await {
            Ok(agent) => vec![agent],
            // Archived: what was said stays, nothing new begins.
            Err(AgentError::NotFound) if conversation.is_some() => Vec::new(),
            Err(error) => return Err(error.into()),
        },
    };
    let here = |slug: &str| place == Place::Main || place == Place::Agent(slug.to_owned());
    let open = match conversation {
        Some(id) => Some(chat.conversation(user, id).await?),
        None => None,
    };
    if open.as_ref().is_some_and(|open| !here(&open.agent.slug)) {
        return Err(AppError::NotFound);
    }
    let cards: Vec<_> = agents.iter().map(card).collect();
    let only_of: Option<Vec<_>> = (place != Place::Main).then(|| {
        let ids = agents.iter().map(|agent| agent.id);
        ids.chain(open.as_ref().map(|open| open.agent.id)).collect()
    });
    let agent = match (&open, agent) {
        (Some(conversation), _) => card(&conversation.agent.card()),
        (None, Some(slug)) if here(&slug) => {
            match cards.iter().find(|card| card.slug == slug) {
                Some(card) => card.clone(),
                // There may be more of them than are offered.
                None => card(&state.agents.card_by_slug(&viewer_of_agents, &slug).await?),
            }
        }
        (None, Some(_)) => return Err(AppError::NotFound),
        (None, None) => cards.first().cloned().ok_or(AppError::Unavailable {
            what: "The list of agents is empty: none".to_owned(),
        })?,
    };
    let own_address =
        (place == Place::Main).then(|| state.places.origin(&Place::Agent(agent.slug.clone())));
    let deleted = match deleted {
        Some(id) => chat.deleted_title(user, id).await?.map(|title| (id, title)),
        None => None,
    };
    let place = match &open {
        Some(open) => open.id.to_string(),
        None => agent.slug.clone(),
    };
    let draft = state.identity.draft(session.id, &place).await?;
    let conversation = match open {
        Some(open) => {
            let mut messages = Vec::with_capacity(open.messages.len());
            for message in open.messages {
                messages.push(message_view(chat, user, message).await?);
            }
            Some(ConversationView {
                id: open.id,
                title: open.title,
                messages,
            })
        }
        None => None,
    };
    let mut conversations: Vec<_> = chat
        .conversations_after(user, before, only_of.as_deref(), RAIL as i64 + 1)
        .await?
        .into_iter()
        .map(|line| ConversationLink {
            id: line.id,
            title: line.title,
            agent_name: line.agent_name,
            agent_slug: line.agent_slug,
            last_message_at: line.last_message_at,
        })
        .collect();
    let more = conversations.len() > RAIL;
    conversations.truncate(RAIL);
    let older_than = conversations.last().filter(|_| more).map(|line| line.id);
    Ok(ChatPage {
        viewer,
        own_address,
        conversations,
        older_than,
        not_the_newest: before.is_some(),
        agents: cards,
        agent,
        conversation,
        deleted,
        left: left(&state, user).await,
        draft,
        now: now(),
        send_key: new_key(),
    })
}

/// A word where little is left of some limit. That nobody can tell is no reason to show no
/// page.
async fn left(state: &AppState, user: UserId) -> Option<String> {
    let (_, standing) = usage::standing(state, user).await.ok()?;
    usage::hint(&standing)
}

/// Names the next send.
pub(super) fn new_key() -> String {
    uuid::Uuid::new_v4().to_string()
}

fn card(agent: &onelastai_agents::AgentCard) -> AgentCard {
    AgentCard {
        slug: agent.slug.clone(),
        name: agent.name.clone(),
        avatar: agent.avatar,
        description: agent.description.clone(),
        starters: agent.starters.clone(),
    }
}

/// A message as it is shown; of an answer that is being written, everything up to now.
pub(super) async fn message_view(
    chat: &ChatService,
    user: UserId,
    message: Message,
) -> Result<MessageView, AppError> {
    let (author, mut blocks) = match message.author {
        // What a person typed is shown as typed.
        Wrote::Person => (
            Author::Person,
            onelastai_markdown::escape(&message.content).into_string(),
        ),
        Wrote::Agent => (
            Author::Agent,
            onelastai_markdown::render(&message.content).into_string(),
        ),
    };
    let mut tail = String::new();
    let mut answer = message.answer.map(|answer| answer_view(answer, 0));
    let generating = answer
        .as_mut()
        .filter(|answer| answer.status == AnswerStatus::Generating);
    if let Some(answer) = generating
        && let Some(log) = chat.log(user, answer.generation).await?
    {
        let events = log.peek(0);
        // Of one that another server has taken over there may be more in the database.
        if !events.is_empty() {
            let reader = Reader::having_seen(&events);
            let shown = reader.snapshot();
            (blocks, tail, answer.seq) = (shown.blocks, shown.tail, reader.number());
        }
        // Its stream goes on after these, so they are the page's to tell.
        for event in events.iter() {
            match event {
                StreamEvent::Waiting { position } => answer.place_in_line = Some(*position),
                StreamEvent::Started(started) => answer.model = Some(started.model.clone()),
                _ => {}
            }
        }
    }
    Ok(MessageView {
        id: message.id,
        author,
        blocks,
        tail,
        created_at: message.created_at,
        answer,
    })
}

/// What there is to know about an answer, as it is shown.
#[must_use]
pub fn answer_view(answer: Answer, seq: u64) -> AnswerView {
    AnswerView {
        status: answer.status,
        generation: answer.generation,
        seq,
        place_in_line: None,
        agent_version: answer.agent_version,
        model: answer.model,
        reason: answer.reason,
        error: answer.error,
        prompt_tokens: answer.prompt_tokens,
        completion_tokens: answer.completion_tokens,
        first_token_ms: answer.first_token_ms,
        total_ms: answer.total_ms,
        making: answer.making,
        feedback: answer.feedback,
    }
}
