//! The messages of a conversation, or what to begin with.

use leptos::prelude::*;

use super::empty::Empty;
use super::message::message_view;
use crate::features::chat::view::ChatPage;
use crate::ui::{Icon, IconName};

/// The column that scrolls. It is laid out from its end (see style/thread.css): a page
/// opens at the last message, and growth keeps the reader where they are, without script.
#[component]
pub fn Thread<'a>(
    /// What the page shows.
    page: &'a ChatPage,
) -> impl IntoView + use<> {
    let messages = page
        .conversation
        .iter()
        .flat_map(|conversation| &conversation.messages)
        .map(message_view)
        .collect_view();
    let empty = page
        .conversation
        .is_none()
        .then(|| view! { <Empty page=page/> });
    view! {
        <div class="scroll" id="scroll" tabindex="0" role="region" aria-label="Messages">
            <a class="to-end" href="#thread-end" data-to-end aria-label="Go to the last message">
                <Icon name=IconName::ArrowDown/>
            </a>
            <div class="thread">
                {empty}
                <div class="messages" id="messages">{messages}</div>
                <div id="thread-end"></div>
            </div>
        </div>
        <p class="sr-only" id="announce" role="status"></p>
        <template id="pending-message">
            <article class="message person" data-pending>
                <h2 class="sr-only">"You"</h2>
                <div class="blocks prose plain" dir="auto"></div>
                <div class="foot"></div>
            </article>
        </template>
    }
    .into_any()
}
