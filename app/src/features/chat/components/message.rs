//! One message. The same HTML whether it comes with the page or as a fragment after a send.

use leptos::prelude::*;

use super::answer_foot::foot;
use crate::features::chat::view::{AnswerView, Author, MessageView};
use crate::ui::{Icon, IconName, MessageTime};

/// The messages as HTML, to put at the end of a thread that is already on a page.
#[must_use]
pub fn render_messages(messages: &[MessageView]) -> String {
    messages
        .iter()
        .map(|message| message_view(message).to_html())
        .collect()
}

/// The inside of an answer's foot as HTML, for when its state changes.
#[must_use]
pub fn render_foot(answer: &AnswerView) -> String {
    foot(answer).to_html()
}

/// One message as part of a page.
pub(super) fn message_view(message: &MessageView) -> AnyView {
    match (message.author, &message.answer) {
        (Author::Agent, Some(answer)) => agent_message(message, answer).into_any(),
        _ => person_message(message).into_any(),
    }
}

/// What the person said.
fn person_message(message: &MessageView) -> impl IntoView + use<> {
    view! {
        <article class="message person" id=format!("m-{}", message.id)>
            <h2 class="sr-only">"You"</h2>
            <div class="blocks prose" dir="auto" inner_html=message.blocks.clone()></div>
            <div class="foot">
                <div class="actions">
                    <MessageTime at=message.created_at/>
                    <button class="action" type="button" data-copy-message title="Copy the message">
                        <Icon name=IconName::Copy/>
                        <span class="sr-only">"Copy the message"</span>
                    </button>
                </div>
            </div>
        </article>
    }
}

/// What the agent said, or is saying. The islands rely on its classes and attributes.
fn agent_message(message: &MessageView, answer: &AnswerView) -> impl IntoView + use<> {
    view! {
        <article
            class="message agent"
            id=format!("m-{}", message.id)
            data-generation=answer.generation.to_string()
            data-seq=answer.seq.to_string()
            data-state=answer.status.as_str()
        >
            <h2 class="sr-only">"Answer"</h2>
            <div class="prose" dir="auto">
                <div class="blocks" inner_html=message.blocks.clone()></div>
                <div class="tail" inner_html=message.tail.clone()></div>
            </div>
            <div class="foot">{foot(answer)}</div>
        </article>
    }
}
