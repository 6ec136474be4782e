//! A chat that has not begun.

use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use crate::features::chat::server_fns::SendMessage;
use crate::features::chat::view::ChatPage;
use crate::ui::AgentAvatar;

/// Who will answer, what they are good for, and questions to begin with.
#[component]
pub fn Empty<'a>(
    /// What the page shows.
    page: &'a ChatPage,
) -> impl IntoView + use<> {
    let agent = page.agent.clone();
    let starters = agent
        .starters
        .iter()
        .map(|starter| {
            view! {
                <li>
                    <form method="post" action=SendMessage::url() data-live="send">
                        <input type="hidden" name="agent" value=agent.slug.clone()/>
                        <input type="hidden" name="key" value=page.send_key.clone() autocomplete="off"/>
                        <input type="hidden" name="text" value=starter.clone()/>
                        <button>{starter.clone()}</button>
                    </form>
                </li>
            }
        })
        .collect_view();
    let starters = (!agent.starters.is_empty()).then(
        || view! { <ul class="starters" aria-label="Questions to begin with">{starters}</ul> },
    );
    let own_address = page.own_address.clone().map(|address| {
        let host = address.split("//").nth(1).unwrap_or_default().to_owned();
        view! {
            <p class="own-address">"Also at its own address, " <a href=address>{host}</a></p>
        }
    });
    view! {
        <div class="empty" id="empty">
            <AgentAvatar name=&agent.name slug=&agent.slug avatar=&agent.avatar large=true/>
            <h2>{agent.name.clone()}</h2>
            <p class="lead">{agent.description.clone()}</p>
            {own_address}
            {starters}
        </div>
    }
    .into_any()
}
