//! The chat page.

use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_params_map, use_query_map};
use onelastai_types::ConversationId;

use super::components::live::LiveChat;
use super::components::{Bar, Composer, Flash, Rail, Shortcuts, Thread};
use super::load::chat_page;
use super::view::ChatPage;
use crate::error::AppError;
use crate::layout::{
    error_page::{AppErrorPage, form_error},
    sign_in::to_sign_in,
    title::PageTitle,
};
use crate::ui::IconSprite;

/// What the address asks for.
struct Asked {
    conversation: Result<Option<ConversationId>, AppError>,
    agent: Option<String>,
    deleted: Option<ConversationId>,
    /// The rail goes on after this one.
    before: Option<ConversationId>,
    /// What a plain form came back with.
    error: Option<AppError>,
    /// To come back to after signing in.
    address: String,
}

impl Asked {
    /// Reads the address of the request.
    fn read() -> Self {
        let params = use_params_map().get_untracked();
        let query = use_query_map().get_untracked();
        let location = use_location();
        let mut address = location.pathname.get_untracked();
        if let Some(agent) = query.get("agent") {
            address = format!("{address}?agent={agent}");
        }
        Self {
            conversation: params
                .get("id")
                .map(|id| id.parse().map_err(|_| AppError::NotFound))
                .transpose(),
            agent: query.get("agent"),
            deleted: query.get("deleted").and_then(|id| id.parse().ok()),
            before: query.get("before").and_then(|id| id.parse().ok()),
            error: form_error(),
            address,
        }
    }
}

/// The page at `/chat` and `/chat/{id}`.
#[component]
pub fn ChatRoute() -> impl IntoView {
    let Asked {
        conversation,
        agent,
        deleted,
        before,
        error,
        address,
    } = Asked::read();
    let page = Suspend::new(async move {
        let page = match conversation {
            Ok(conversation) => chat_page(conversation, agent, deleted, before).await,
            Err(error) => Err(error),
        };
        match page {
            Ok(page) => view! { <ChatScreen page=page error=error/> }.into_any(),
            Err(AppError::SignedOut) => {
                to_sign_in(&address);
                ().into_any()
            }
            Err(error) => view! { <AppErrorPage error=&error/> }.into_any(),
        }
    });
    view! { <Suspense fallback=|| ()>{page}</Suspense> }
}

/// The page, once it is known what is on it.
#[component]
pub fn ChatScreen(
    /// What there is to show.
    page: ChatPage,
    /// What a plain form came back with.
    error: Option<AppError>,
) -> impl IntoView {
    let generating = page
        .conversation
        .as_ref()
        .is_some_and(|it| it.generating().is_some());
    // The page may have been loaded again since.
    let error = error.filter(|error| generating || *error != AppError::Busy);
    let title = page
        .conversation
        .as_ref()
        .map(|it| it.title.as_str())
        .unwrap_or_default();
    let title = match title {
        "" => "New chat · OneLastAI".to_owned(),
        title => format!("{title} · OneLastAI"),
    };
    view! {
        <PageTitle text=title/>
        <IconSprite/>
        <a class="skip" href="#message">"Go to the message box"</a>
        <div class="frame">
            <Rail page=&page/>
            <main class="chat">
                <Bar page=&page/>
                <LiveChat>
                    <Thread page=&page/>
                    <div class="dock">
                        <Flash error=error deleted=page.deleted.clone()/>
                        <Composer page=&page/>
                    </div>
                </LiveChat>
            </main>
        </div>
        <Shortcuts/>
    }
}
