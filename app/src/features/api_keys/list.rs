//! `/account/keys`: one's own keys.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use onelastai_access::{ENDED_DAYS, KeyState, KeySummary};
use onelastai_identity::Permission;
use time::OffsetDateTime;

use super::words;
use crate::layout::desk::{Desk, Notice, Section, outcome};
use crate::layout::error_page::{error_view, form_error};
use crate::session::{desk_for, local};
use crate::ui::Moment;

/// The page.
#[component]
pub fn KeysRoute() -> impl IntoView {
    let query = use_query_map().get_untracked();
    let done = (query.get("done").as_deref() == Some("revoked"))
        .then(|| "The key is revoked: it no longer works anywhere.".to_owned());
    let error = form_error();
    let page = Suspend::new(async move {
        let (state, session) = match desk_for(Permission::KeysManageOwn).await {
            Ok(who) => who,
            Err(error) => return error.page(),
        };
        let keys = match state.access.list(session.user).await {
            Ok(keys) => keys,
            Err(error) => return error_view(error),
        };
        let usable = state.identity.knows_rights();
        let actions = view! { <a class="button" href="/account/keys/new">"New key"</a> }.into_any();
        let notice = outcome(error, done);
        let body = view! {
            {(!usable).then(not_set_up)}
            <p class="lead">
                "A key lets a program of yours use the API as you. It never allows more than you \
                 may do yourself at that moment."
            </p>
            {table(&keys)}
        };
        view! {
            <Desk
                session=&session
                section=Section::Keys
                title="API keys"
                actions=Some(actions)
                notice=notice
            >
                {body}
            </Desk>
        }
        .into_any()
    });
    view! { <Suspense fallback=|| ()>{page}</Suspense> }
}

/// Where nobody can ask Keycloak what the owner of a key may do, no key is let in.
fn not_set_up() -> impl IntoView {
    view! {
        <Notice
            text="Keys can't be used on this server yet: its operator has to set up the service \
                  account (KEYCLOAK_BACKEND_CLIENT_SECRET)."
            bad=true
        />
    }
}

fn table(keys: &[KeySummary]) -> AnyView {
    if keys.is_empty() {
        return view! {
            <p class="nothing">
                "You have no keys. "
                <a class="link" href="/account/keys/new">"Make the first one"</a>
                " to use your agents from scripts, editors and other programs."
            </p>
        }
        .into_any();
    }
    let now = OffsetDateTime::now_utc();
    let rows = keys.iter().map(|key| row(key, now)).collect_view();
    view! {
        <div class="table-scroll">
            <table class="table">
                <thead>
                    <tr>
                        <th scope="col">"Key"</th>
                        <th scope="col">"State"</th>
                        <th scope="col">"For"</th>
                        <th scope="col">"Last used"</th>
                        <th scope="col">"Ends"</th>
                        <th scope="col">"This month"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
        <p class="form-hint">
            {format!("Keys that ended are listed for {ENDED_DAYS} days more. Months are those of UTC.")}
        </p>
    }
    .into_any()
}

fn row(key: &KeySummary, now: OffsetDateTime) -> AnyView {
    let (word, class) = words::state(key.state(now));
    let page = format!("/account/keys/{}", key.id);
    let scopes = key.scopes.names().join(", ");
    let only = only(key);
    let used = match key.last_used_at {
        Some(at) => view! { <Moment at=local(at)/> }.into_any(),
        None => "never".into_any(),
    };
    view! {
        <tr>
            <th scope="row">
                <a href=page>{key.name.clone()}</a>
                <small><code>{format!("{}…", key.prefix)}</code></small>
            </th>
            <td><span class=class>{word}</span></td>
            <td>{scopes}{only.map(|text| view! { <small>{text}</small> })}</td>
            <td class="time">{used}</td>
            <td class="time">{ends(key, now)}</td>
            <td>
                {words::used(&key.this_month)}
                {words::budget(key).map(|text| view! { <small>{text}</small> })}
            </td>
        </tr>
    }
    .into_any()
}

/// What else limits it, in a line.
fn only(key: &KeySummary) -> Option<String> {
    let some = |count: usize, one: &str| match count {
        1 => format!("only 1 {one}"),
        count => format!("only {count} {one}s"),
    };
    let agents = key.agents.as_ref().map(|it| some(it.len(), "agent"));
    let networks = key.networks.as_ref().map(|it| some(it.len(), "network"));
    let parts: Vec<_> = agents.into_iter().chain(networks).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// When it ends or ended.
pub(super) fn ends(key: &KeySummary, now: OffsetDateTime) -> AnyView {
    let at = match key.state(now) {
        KeyState::Good | KeyState::Expired => key.expires_at,
        KeyState::Overlapping(until) => Some(until),
        KeyState::Replaced => key.overlap_until,
        KeyState::Revoked => key.revoked_at,
    };
    match at {
        Some(at) => view! { <Moment at=local(at)/> }.into_any(),
        None => "when it is revoked".into_any(),
    }
}
