//! One conversation in the rail, with what can be done to it.

use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use onelastai_types::ConversationId;

use super::naming::menu_label;
use crate::features::chat::server_fns::{DeleteConversation, RenameConversation};
use crate::ui::{Icon, IconName};

/// What a conversation without a title is called.
pub(super) const UNTITLED: &str = "New chat";

/// A line of the rail. Its menu folds out in place: to rename is to write over the title.
#[component]
pub fn Entry(
    /// Which conversation.
    id: ConversationId,
    /// Plain text; may be empty.
    title: String,
    /// The one on the page.
    current: bool,
) -> impl IntoView {
    let id = id.to_string();
    let title = if title.is_empty() {
        UNTITLED.to_owned()
    } else {
        title
    };
    let field = format!("title-{id}");
    view! {
        <li class="entry" data-conversation=id>
            <a href=format!("/chat/{id}") aria-current=current.then_some("page") title=title.clone()>
                {title.clone()}
            </a>
            <details name="entry-menu">
                <summary title="Rename or delete">
                    <Icon name=IconName::Ellipsis/>
                    <span class="sr-only">{menu_label(&title)}</span>
                </summary>
                <div class="entry-menu">
                    <form method="post" action=RenameConversation::url()>
                        <input type="hidden" name="conversation" value=id.clone()/>
                        <label class="sr-only" for=field.clone()>"Title"</label>
                        <input
                            class="field"
                            id=field
                            name="title"
                            value=title
                            required=true
                            maxlength="200"
                            autocomplete="off"
                        />
                        <button class="button button-quiet">"Rename"</button>
                    </form>
                    <form method="post" action=DeleteConversation::url()>
                        <input type="hidden" name="conversation" value=id.clone()/>
                        <button class="button button-quiet button-danger">
                            <Icon name=IconName::Trash/>
                            "Delete"
                        </button>
                    </form>
                </div>
            </details>
        </li>
    }
    .into_any()
}
