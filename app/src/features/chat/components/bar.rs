//! The line on top: which conversation, who answers.

use leptos::prelude::*;

use super::entry::UNTITLED;
use crate::features::chat::view::{AgentCard, ChatPage};
use crate::ui::{AgentAvatar, Icon, IconName};

/// The head of the page.
#[component]
pub fn Bar<'a>(
    /// What the page shows.
    page: &'a ChatPage,
) -> impl IntoView + use<> {
    let title = page
        .conversation
        .as_ref()
        .map(|it| it.title.clone())
        .filter(|title| !title.is_empty())
        .unwrap_or_else(|| UNTITLED.to_owned());
    let agent = page.agent.clone();
    let own_address = page.own_address.as_ref().map(|origin| {
        // There it is the same conversation.
        let path = page
            .conversation
            .as_ref()
            .map(|it| format!("/chat/{}", it.id));
        let address = format!("{origin}{}", path.unwrap_or_default());
        let words = "Open at its own address";
        view! {
            <a class="icon-button" href=address aria-label=words title=words>
                <Icon name=IconName::ExternalLink/>
            </a>
        }
    });
    let choice = page.conversation.is_none() && page.agents.len() > 1;
    let name = if choice {
        view! {
            <button class="picker" type="button" popovertarget="agents">
                {agent.name.clone()}
                <Icon name=IconName::ChevronDown/>
                <span class="sr-only">"Pick another agent"</span>
            </button>
        }
        .into_any()
    } else {
        view! { <span>{agent.name.clone()}</span> }.into_any()
    };
    view! {
        <header class="bar">
            <button
                class="icon-button phone-only"
                type="button"
                popovertarget="rail"
                aria-label="Chats"
            >
                <Icon name=IconName::Menu/>
            </button>
            <AgentAvatar name=&agent.name slug=&agent.slug avatar=&agent.avatar/>
            <div class="bar-names">
                <h1 id="conversation-title">{title}</h1>
                <p class="bar-agent">{name}</p>
            </div>
            {own_address}
            <a class="icon-button phone-only" href="/chat" aria-label="New chat">
                <Icon name=IconName::SquarePen/>
            </a>
        </header>
        {choice.then(|| picker(&page.agents, &agent.slug))}
    }
    .into_any()
}

/// The agents to pick from.
fn picker(agents: &[AgentCard], current: &str) -> impl IntoView + use<> {
    let links = agents
        .iter()
        .map(|agent| {
            view! {
                <li>
                    <a
                        href=format!("/chat?agent={}", agent.slug)
                        aria-current=(agent.slug == current).then_some("true")
                    >
                        <AgentAvatar name=&agent.name slug=&agent.slug avatar=&agent.avatar/>
                        <span class="picker-text">
                            <strong>{agent.name.clone()}</strong>
                            <span>{agent.description.clone()}</span>
                        </span>
                    </a>
                </li>
            }
        })
        .collect_view();
    view! {
        <div class="float agents" id="agents" popover>
            <ul aria-label="Agents">{links}</ul>
        </div>
    }
}
