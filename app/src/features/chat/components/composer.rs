//! Where a person writes. A plain form: it can be used before any script is here.

use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use crate::features::chat::server_fns::{SendMessage, StopAnswer};
use crate::features::chat::view::ChatPage;
use crate::ui::raw_text::textarea_content;
use crate::ui::{Icon, IconName, hue};

/// The longest message that is taken, in UTF-16 units, as `maxlength` counts.
const LONGEST: u32 = 32_000;

/// The form to send, and to stop what is being written.
#[component]
pub fn Composer<'a>(
    /// What the page shows.
    page: &'a ChatPage,
) -> impl IntoView + use<> {
    let name = page.agent.name.clone();
    let generating = page.conversation.as_ref().and_then(|it| it.generating());
    let target = match &page.conversation {
        Some(conversation) => ("conversation", conversation.id.to_string()),
        None => ("agent", page.agent.slug.clone()),
    };
    view! {
        <div class="composer-place" id="composer-place" data-generating=generating.map(|_| "")>
            <form
                class="composer"
                id="composer"
                method="post"
                action=SendMessage::url()
                data-live="send"
                style=format!("--hue:{}", hue(&page.agent.slug))
            >
                <input type="hidden" id="composer-target" name=target.0 value=target.1 autocomplete="off"/>
                <input type="hidden" name="key" value=page.send_key.clone() autocomplete="off"/>
                <label class="sr-only" for="message">{format!("Message to {name}")}</label>
                <div class="grow">
                    <textarea
                        id="message"
                        name="text"
                        rows="1"
                        maxlength=LONGEST
                        required=true
                        placeholder=format!("Ask {name}")
                        autocomplete="off"
                        dir="auto"
                        aria-describedby="composer-hint composer-error"
                        inner_html=textarea_content(page.draft.as_deref().unwrap_or_default())
                    ></textarea>
                </div>
                <div class="composer-row">
                    <p class="hint" id="composer-hint">
                        {page.left.clone().map(|left| view! { <strong>{left}" "</strong> })}
                        <span class="js-only"><kbd>"Enter"</kbd>" sends, "<kbd>"Shift Enter"</kbd>" begins a line"</span>
                    </p>
                    <button class="send" title="Send">
                        <Icon name=IconName::ArrowUp/>
                        <span class="sr-only">"Send"</span>
                    </button>
                    <button class="stop" form="stop" title="Stop (Esc)">
                        <Icon name=IconName::Square/>
                        <span class="sr-only">"Stop the answer"</span>
                    </button>
                </div>
            </form>
            <form id="stop" method="post" action=StopAnswer::url() data-live="stop">
                <input
                    type="hidden"
                    name="generation"
                    value=generating.map(|answer| answer.generation.to_string())
                    autocomplete="off"
                />
            </form>
            // Without script the answer grows by reloading.
            {generating.map(|_| view! { <noscript inner_html="<meta http-equiv=\"refresh\" content=\"2\">"></noscript> })}
        </div>
    }
    .into_any()
}
