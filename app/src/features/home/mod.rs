//! The front door.

use leptos::prelude::*;

use crate::{
    error::AppError,
    features::chat::page::ChatRoute,
    layout::{error_page::error_view, sign_in::sign_in_path, title::PageTitle},
    place::Place,
    session::{place, viewer},
    state::AppState,
    ui::{AgentAvatar, Logo, Mark},
};

/// The page at `/`: of the main host the front door, of an agent's its chat, or for whoever
/// isn't signed in what it is.
#[component]
pub fn HomeRoute() -> impl IntoView {
    let Place::Agent(slug) = place() else {
        return view! { <HomePage/> }.into_any();
    };
    let page = Suspend::new(async move {
        match viewer().await {
            Ok(Some(_)) => view! { <ChatRoute/> }.into_any(),
            Ok(None) => agent_front(&slug).await,
            Err(error) => error_view(error),
        }
    });
    view! { <Suspense fallback=|| ()>{page}</Suspense> }.into_any()
}

/// What a stranger sees of a public agent.
async fn agent_front(slug: &str) -> AnyView {
    let Some(state) = use_context::<AppState>() else {
        return error_view(AppError::Internal);
    };
    let look = match state.agents.look(slug).await {
        Ok(look) => look,
        Err(error) => return error_view(error),
    };
    let main = state.places.origin(&Place::Main);
    let sign_in = format!("{main}{}", sign_in_path(&format!("/open/{slug}")));
    view! {
        <PageTitle text=format!("{} · OneLastAI", look.name)/>
        <div class="plain-page">
            <a class="home-link" href=format!("{main}/") aria-label="OneLastAI, home"><Logo/></a>
            <main class="plain-body">
                <AgentAvatar name=&look.name slug=&look.slug avatar=&look.avatar large=true/>
                <h1>{look.name.clone()}</h1>
                <p class="lead">"An agent that you can talk to once you have signed in."</p>
                <p><a class="button button-main" href=sign_in>"Sign in and chat"</a></p>
            </main>
        </div>
    }
    .into_any()
}

/// The front door of the main host.
#[component]
pub fn HomePage() -> impl IntoView {
    let door = Suspend::new(async move {
        match viewer().await {
            Ok(Some(_)) => {
                view! { <a class="button button-main" href="/chat">"Open your chats"</a> }
            }
            // Whoever is at the door can also try to come in while sessions can't be read.
            Ok(None) | Err(_) => {
                view! { <a class="button button-main" href="/auth/login">"Sign in"</a> }
            }
        }
    });
    view! {
        <PageTitle text="OneLastAI"/>
        <div class="home">
            <header><Logo/></header>
            <main>
                <div class="home-sign" aria-hidden="true"><Mark/></div>
                <div class="home-words">
                    <h1>"The last word stays on your own server."</h1>
                    <p class="lead">
                        "OneLastAI is a chat with AI agents: the models, the conversations and the
                        accounts run on machines that you choose, and nothing leaves them unless you say so."
                    </p>
                    <p><Suspense fallback=|| ()>{door}</Suspense></p>
                </div>
            </main>
            <footer><p>"Free software under the AGPL. It works without JavaScript, too."</p></footer>
        </div>
    }
}
