//! The server's side of the server functions: who asks, one call, where to go next.

use leptos_axum::redirect;
use onelastai_chat::{Caller, Send};
use onelastai_types::{ConversationId, Feedback, GenerationId, MessageId};

use super::{
    components::render_messages,
    load::{message_view, new_key},
    server_fns::Sent,
};
use crate::{
    error::AppError,
    session::{caller, is_plain_form, page_of_form},
    state::AppState,
};

pub(super) async fn send(
    conversation: Option<ConversationId>,
    agent: Option<String>,
    text: String,
    key: String,
) -> Result<Sent, AppError> {
    let (state, caller) = caller().await?;
    let send = Send {
        conversation,
        agent,
        text,
        key,
    };
    let sent = state.chat.send(&caller, &send).await;
    if is_plain_form() {
        keep_draft(&state, &caller, &send, sent.is_err()).await;
    }
    let sent = sent?;
    redirect(&format!("/chat/{}", sent.conversation));
    shown(&state, &caller, sent, &[sent.question, sent.answer]).await
}

/// Keeps a message that was not taken for the page that tells so, and forgets it once it
/// was. Our script keeps it in the browser.
async fn keep_draft(state: &AppState, caller: &Caller, send: &Send, failed: bool) {
    let Some(session) = caller.session else {
        return;
    };
    let place = match send.conversation {
        Some(conversation) => conversation.to_string(),
        None => send.agent.clone().unwrap_or_default(),
    };
    let done = match failed {
        true => {
            let identity = &state.identity;
            identity.keep_draft(session, &place, &send.text).await
        }
        false => state.identity.forget_draft(session, &place).await,
    };
    if let Err(error) = done {
        tracing::warn!(%error, "can't keep a draft");
    }
}

pub(super) async fn answer_again(generation: GenerationId) -> Result<Sent, AppError> {
    let (state, caller) = caller().await?;
    let sent = state.chat.answer_again(&caller, generation).await?;
    redirect(&format!("/chat/{}", sent.conversation));
    shown(&state, &caller, sent, &[sent.answer]).await
}

/// What a page needs to show what was sent: the `new` messages, for its thread.
async fn shown(
    state: &AppState,
    caller: &Caller,
    sent: onelastai_chat::Sent,
    new: &[MessageId],
) -> Result<Sent, AppError> {
    let open = state
        .chat
        .conversation(caller.user, sent.conversation)
        .await?;
    let mut messages = Vec::new();
    for message in open.messages {
        if new.contains(&message.id) {
            messages.push(message_view(&state.chat, caller.user, message).await?);
        }
    }
    Ok(Sent {
        conversation: sent.conversation,
        title: open.title,
        generation: sent.generation,
        messages: render_messages(&messages),
        next_key: new_key(),
    })
}

pub(super) async fn stop(generation: GenerationId) -> Result<(), AppError> {
    let (state, caller) = caller().await?;
    Ok(state.chat.stop(caller.user, generation).await?)
}

pub(super) async fn judge(generation: GenerationId, feedback: Feedback) -> Result<(), AppError> {
    let (state, caller) = caller().await?;
    let conversation = state.chat.judge(caller.user, generation, feedback).await?;
    redirect(&format!("/chat/{conversation}"));
    Ok(())
}

pub(super) async fn rename(conversation: ConversationId, title: String) -> Result<(), AppError> {
    let (state, caller) = caller().await?;
    state.chat.rename(&caller, conversation, &title).await?;
    // To the page it was renamed on, without what a form before it left in the address.
    let page = page_of_form().map(|page| page.path().to_owned());
    redirect(page.as_deref().unwrap_or("/chat"));
    Ok(())
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
