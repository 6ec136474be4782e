//! `/account`: where one is signed in, what one has left of one's plan, and the way to
//! Keycloak's own pages.

use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_query_map;
use onelastai_identity::SignedInAt;

use super::server_fns::{EndOtherSessions, EndSession};
use super::sessions::table;
use super::usage::{panel, standing};
use crate::layout::desk::{Desk, Section, outcome};
use crate::layout::error_page::{error_view, form_error};
use crate::session::desk;

/// The page.
#[component]
pub fn AccountRoute() -> impl IntoView {
    let query = use_query_map().get_untracked();
    let done = match query.get("done").as_deref() {
        Some("ended") => Some("That session has ended.".to_owned()),
        Some("others") => Some("All other browsers are signed out.".to_owned()),
        _ => None,
    };
    let error = form_error();
    let page = Suspend::new(async move {
        let (state, session) = match desk().await {
            Ok(who) => who,
            Err(error) => return error.page(),
        };
        let sessions = state
            .identity
            .sessions_of(session.user, Some(&session))
            .await;
        let sessions = match sessions {
            Ok(sessions) => sessions,
            Err(error) => return error_view(error),
        };
        let left = match standing(&state, session.user).await {
            Ok((tier, left)) => panel(tier, &left),
            Err(error) => return error_view(error),
        };
        let others = sessions.iter().any(|it| !it.same_browser && !it.current);
        let actions = others.then(|| {
            view! {
                <form method="post" action=EndOtherSessions::url()>
                    <button class="button button-quiet">"Sign out everywhere else"</button>
                </form>
            }
            .into_any()
        });
        let notice = outcome(error, done);
        let body = view! {
            {table(&sessions, end)}
            <p class="lead">
                "Your name, your password and the ways you sign in are at the sign-in service: "
                <a class="link" href="/account/profile">"profile and password"</a>"."
            </p>
            {left}
        };
        view! {
            <Desk
                session=&session
                section=Section::Account
                title="Your sessions"
                actions=actions
                notice=notice
            >
                {body}
            </Desk>
        }
        .into_any()
    });
    view! { <Suspense fallback=|| ()>{page}</Suspense> }
}

fn end(session: &SignedInAt) -> AnyView {
    view! {
        <form method="post" action=EndSession::url()>
            <input type="hidden" name="session" value=session.id.to_string()/>
            <button class="button button-quiet">
                "End"
                <span class="sr-only">{format!(" the session of {}", session.device)}</span>
            </button>
        </form>
    }
    .into_any()
}
