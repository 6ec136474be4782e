//! The front door.

use leptos::prelude::*;

use crate::{
    layout::title::PageTitle,
    ui::{Logo, Mark},
};

/// The page at `/`.
#[component]
pub fn HomePage() -> impl IntoView {
    let door = Suspend::new(async move {
        match crate::session::viewer().await {
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
