//! The server's side of the server functions: who asks, one call, where to go next.

use leptos_axum::redirect;
use onelastai_chat::Send;
use onelastai_types::{ConversationId, GenerationId};

use super::{
    components::render_messages,
    load::{message_view, new_key},
    server_fns::Sent,
};
use crate::{
    error::AppError,
    session::{caller, page_of_form},
};

pub(super) async fn send(
    conversation: Option<ConversationId>,
    agent: Option<String>,
    text: String,
    key: String,
) -> Result<Sent, AppError> {
    let (state, caller) = caller().await?;
    let sent = state
        .chat
        .send(
            &caller,
            &Send {
                conversation,
                agent,
                text,
                key,
            },
        )
        .await?;
    let open = state
        .chat
        .conversation(caller.user, sent.conversation)
        .await?;
    let mut added = Vec::new();
    for message in open.messages {
        if message.id == sent.question || message.id == sent.answer {
            added.push(message_view(&state.chat, caller.user, message).await?);
        }
    }
    redirect(&format!("/chat/{}", sent.conversation));
    Ok(Sent {
        conversation: sent.conversation,
        title: open.title,
        generation: sent.generation,
        messages: render_messages(&added),
        next_key: new_key(),
    })
}

pub(super) async fn stop(generation: GenerationId) -> Result<(), AppError> {
    let (state, caller) = caller().await?;
    Ok(state.chat.stop(caller.user, generation).await?)
}

pub(super) async fn rename(conversation: ConversationId, title: String) -> Result<(), AppError> {
    let (state, caller) = caller().await?;
    Ok(state.chat.rename(&caller, conversation, &title).await?)
}

pub(super) async fn delete(conversation: ConversationId) -> Result<(), AppError> {
    let (state, caller) = caller().await?;
    state.chat.delete(&caller, conversation).await?;
    let next = match conversation_on_page() {
        Some(shown) if shown != conversation => format!("/chat/{shown}?deleted={conversation}"),
        _ => format!("/chat?deleted={conversation}"),
    };
    redirect(&next);
    Ok(())
}

fn conversation_on_page() -> Option<ConversationId> {
    let page = page_of_form()?;
    page.path().strip_prefix("/chat/")?.parse().ok()
}

pub(super) async fn restore(conversation: ConversationId) -> Result<(), AppError> {
    let (state, caller) = caller().await?;
    state.chat.restore(&caller, conversation).await?;
    redirect(&format!("/chat/{conversation}"));
    Ok(())
}
