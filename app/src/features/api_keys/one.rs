//! `/account/keys/{id}`: one key, to replace it or take it back.

use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_params_map;
use onelastai_access::{KeySummary, Overlap};
use onelastai_agents::AgentCard;
use onelastai_identity::Permission;
use onelastai_types::ApiKeyId;
use time::OffsetDateTime;

use super::list::ends;
use super::server_fns::RevokeKey;
use super::shown::{made_before, shown};
use super::submit::{Answer, overlap_value};
use super::words;
use crate::error::AppError;
use crate::layout::desk::{Desk, Notice, Section, outcome};
use crate::layout::error_page::{error_view, form_error};
use crate::session::{agents_viewer, desk_for, local};
use crate::ui::{Moment, count};

/// The page.
#[component]
pub fn KeyRoute() -> impl IntoView {
    let answer = use_context::<Answer>();
    let id = use_params_map().get_untracked().get("id");
    let error = form_error();
    let page = Suspend::new(async move {
        let (state, session) = match desk_for(Permission::KeysManageOwn).await {
            Ok(who) => who,
            Err(error) => return error.page(),
        };
        let notice = match answer {
            Some(Answer::Made { new, overlap }) => return shown(&state, &session, &new, overlap),
            Some(Answer::MadeBefore(id)) => return made_before(&state, &session, id).await,
            Some(Answer::NotReplaced(why)) => {
                Some(view! { <Notice text=why bad=true/> }.into_any())
            }
            Some(Answer::Wrong { .. }) | None => outcome(error, None),
        };
        let Some(id) = id.and_then(|id| id.parse::<ApiKeyId>().ok()) else {
            return error_view(AppError::NotFound);
        };
        let key = match state.access.key(session.user, id).await {
            Ok(key) => key,
            Err(error) => return error_view(error),
        };
        let agents = match state.agents.list(&agents_viewer(&session)).await {
            Ok(agents) => agents,
            Err(error) => return error_view(error),
        };
        let now = OffsetDateTime::now_utc();
        let body = view! {
            {facts(&key, &agents, now)}
            {key.is_good(now).then(|| changes(&key))}
            <p class="pages"><a class="link" href="/account/keys">"All keys"</a></p>
        };
        let title = format!("Key “{}”", key.name);
        view! {
            <Desk session=&session section=Section::Keys title=title notice=notice>
                {body}
            </Desk>
        }
        .into_any()
    });
    view! { <Suspense fallback=|| ()>{page}</Suspense> }
}

fn facts(key: &KeySummary, agents: &[AgentCard], now: OffsetDateTime) -> AnyView {
    let (word, class) = words::state(key.state(now));
    let scopes: Vec<_> = key.scopes.iter().map(|scope| scope.words()).collect();
    let fact = |name: &'static str, value: AnyView| {
        view! { <div><dt>{name}</dt><dd>{value}</dd></div> }
    };
    let limit = |limit: Option<u32>| match limit {
        Some(limit) => count(limit.into()),
        None => "as your plan has it".to_owned(),
    };
    let networks = match &key.networks {
        None => "anywhere".to_owned(),
        Some(networks) => {
            let texts: Vec<_> = networks.iter().map(ToString::to_string).collect();
            texts.join(", ")
        }
    };
    let used = match key.last_used_at {
        Some(at) => view! { <Moment at=local(at)/> }.into_any(),
        None => "never".into_any(),
    };
    let next = key.replaced_by.map(|next| {
        let page = format!("/account/keys/{next}");
        fact(
            "Replaced by",
            view! { <a class="link" href=page>"its new key"</a> }.into_any(),
        )
    });
    view! {
        <dl class="changes key-facts">
            {fact("Begins with", view! { <code>{key.prefix.clone()}</code> }.into_any())}
            {fact("State", view! { <span class=class>{word}</span> }.into_any())}
            {next}
            {fact("For", scopes.join(", ").into_any())}
            {fact("Agents", only_agents(key, agents).into_any())}
            {fact("Networks", networks.into_any())}
            {fact("Requests a minute", limit(key.requests_per_minute).into_any())}
            {fact("Tokens a minute", limit(key.tokens_per_minute).into_any())}
            {words::budget(key).map(|budget| fact("Spent this month", budget.into_any()))}
            {fact("Used this month", words::used(&key.this_month).into_any())}
            {fact("Last used", used)}
            {fact("Made", view! { <Moment at=local(key.created_at)/> }.into_any())}
            {fact("Ends", ends(key, now))}
        </dl>
    }
    .into_any()
}

/// The names of the agents it is for, as far as its owner may still see them.
fn only_agents(key: &KeySummary, agents: &[AgentCard]) -> String {
    let Some(only) = &key.agents else {
        return "all that you may use".to_owned();
    };
    let mut names: Vec<_> = agents
        .iter()
        .filter(|agent| only.contains(&agent.id))
        .map(|agent| agent.name.clone())
        .collect();
    let hidden = only.len() - names.len();
    if hidden > 0 {
        names.push(format!("{hidden} that you can no longer use"));
    }
    names.join(", ")
}

/// What can be done with a key that is good.
fn changes(key: &KeySummary) -> AnyView {
    let replace = key.replaced_by.is_none().then(|| {
        let choices = Overlap::ALL
            .map(|overlap| {
                let words = match overlap {
                    Overlap::None => "ends now",
                    Overlap::Hour => "goes on for 1 hour",
                    Overlap::Day => "goes on for 24 hours",
                    Overlap::Week => "goes on for 7 days",
                };
                let chosen = overlap == Overlap::Day;
                view! { <option value=overlap_value(overlap) selected=chosen>{words}</option> }
            })
            .collect_view();
        let action = format!("/account/keys/{}", key.id);
        view! {
            <section aria-labelledby="replace">
                <h2 id="replace">"Replace it"</h2>
                <p class="lead">
                    "You get a new key for the same, good for as long again. Meanwhile the old one \
                     can go on, until your programs have the new one."
                </p>
                <form class="filters" method="post" action=action>
                    <label>
                        "The old key"
                        <select class="field" name="overlap">{choices}</select>
                    </label>
                    <button class="button">"Replace"</button>
                </form>
            </section>
        }
    });
    view! {
        {replace}
        <section class="danger-zone" aria-labelledby="revoke">
            <h2 id="revoke">"Revoke it"</h2>
            <p class="lead">
                "Programs that use it are refused from then on. This can't be undone."
            </p>
            <form method="post" action=RevokeKey::url()>
                <input type="hidden" name="api_key" value=key.id.to_string()/>
                <button class="button button-quiet button-danger">"Revoke"</button>
            </form>
        </section>
    }
    .into_any()
}
