//! `/account/keys/new`: the form of a new key.

use leptos::prelude::*;
use onelastai_access::{FieldError, LONGEST_NAME, Scopes};
use onelastai_agents::AgentCard;
use onelastai_identity::{Permission, Permissions};

use super::form::{CURRENCIES, KeyForm, LIVES};
use super::shown::{made_before, shown};
use super::submit::Answer;
use crate::features::agents::fields::{Field, Wrong};
use crate::layout::desk::{Desk, Notice, Section};
use crate::layout::error_page::error_view;
use crate::session::{agents_viewer, desk_for};

/// The page.
#[component]
pub fn NewKeyRoute() -> impl IntoView {
    let answer = use_context::<Answer>();
    let page = Suspend::new(async move {
        let (state, session) = match desk_for(Permission::KeysManageOwn).await {
            Ok(who) => who,
            Err(error) => return error.page(),
        };
        let (form, errors) = match answer {
            Some(Answer::Made { new, overlap }) => return shown(&state, &session, &new, overlap),
            Some(Answer::MadeBefore(id)) => return made_before(&state, &session, id).await,
            Some(Answer::Wrong { form, wrong }) => (*form, wrong),
            Some(Answer::NotReplaced(_)) | None => (KeyForm::empty(), Vec::new()),
        };
        let agents = match state.agents.list(&agents_viewer(&session)).await {
            Ok(agents) => agents,
            Err(error) => return error_view(error),
        };
        let notice = (!errors.is_empty()).then(|| {
            let whole = errors.iter().find(|error| error.field.is_empty());
            let text = whole.map_or_else(
                || "No key was made yet: see what is marked below.".to_owned(),
                |error| error.message.clone(),
            );
            view! { <Notice text=text bad=true/> }.into_any()
        });
        let body = fields(&form, errors, &agents, session.permissions());
        view! {
            <Desk session=&session section=Section::Keys title="New API key" notice=notice>
                {body}
            </Desk>
        }
        .into_any()
    });
    view! { <Suspense fallback=|| ()>{page}</Suspense> }
}

fn fields(
    form: &KeyForm,
    errors: Vec<FieldError>,
    agents: &[AgentCard],
    permissions: &Permissions,
) -> AnyView {
    let wrong = &Wrong(
        errors
            .into_iter()
            .map(|error| onelastai_agents::FieldError {
                field: error.field.to_owned(),
                message: error.message,
            })
            .collect(),
    );
    let field = |name, label, hint| Field {
        name,
        label,
        hint,
        wrong,
    };
    view! {
        <form class="form key-form" method="post" action="/account/keys/new">
            <input type="hidden" name="request" value=form.request.clone()/>
            {field("name", "Name", "Where it is used, so that you know later which one to revoke.")
                .line(&form.name, LONGEST_NAME as u32)}
            {scopes(form, permissions, wrong)}
            {life(form, wrong)}
            {only_agents(form, agents, wrong)}
            <details class="fold" open=has_limits(form, wrong)>
                <summary>"Networks and limits"</summary>
                <div class="form">
                    {field(
                        "networks",
                        "Only from these networks",
                        "One a line, such as 192.0.2.0/24; empty: from anywhere.",
                    )
                        .text(&form.networks, 2000)}
                    <div class="form-row">
                        {field("requests_per_minute", "Requests a minute", "empty: as your plan has it")
                            .line(&form.requests_per_minute, 12)}
                        {field("tokens_per_minute", "Tokens a minute", "of questions and answers together")
                            .line(&form.tokens_per_minute, 12)}
                    </div>
                    <div class="form-row">
                        {field("monthly_budget", "Budget a month", "what answers of cloud models may cost")
                            .line(&form.monthly_budget, 16)}
                        {field("currency", "Currency", "")
                            .choice(
                                &form.currency,
                                &CURRENCIES.map(|code| (code.to_owned(), code.to_owned())),
                            )}
                    </div>
                </div>
            </details>
            <div class="form-actions">
                <button class="button">"Make the key"</button>
                <a class="button button-quiet" href="/account/keys">"Back to all keys"</a>
            </div>
        </form>
    }
    .into_any()
}

/// Whether there is something to see in the part that is folded.
fn has_limits(form: &KeyForm, wrong: &Wrong) -> bool {
    let texts = [
        &form.networks,
        &form.requests_per_minute,
        &form.tokens_per_minute,
        &form.monthly_budget,
    ];
    texts.iter().any(|text| !text.is_empty()) || wrong.of("networks").is_some()
}

/// The attributes and the words of an error at a group of fields.
fn group_error(wrong: &Wrong, field: &'static str) -> (Option<String>, Option<AnyView>) {
    let id = format!("{field}-error");
    let message = wrong.of(field);
    let described = message.as_ref().map(|_| id.clone());
    let view =
        message.map(|message| view! { <p class="form-error" id=id>{message}</p> }.into_any());
    (described, view)
}

/// Only what this person has.
fn scopes(form: &KeyForm, permissions: &Permissions, wrong: &Wrong) -> AnyView {
    let (described, error) = group_error(wrong, "scopes");
    let boxes = Scopes::of(permissions)
        .iter()
        .map(|scope| {
            let name = scope.name();
            let chosen = form.scopes.iter().any(|chosen| chosen == name);
            view! {
                <label class="form-check">
                    <input type="checkbox" name="scopes" value=name checked=chosen/>
                    <span>{scope.words()}" "<code class="form-hint">{name}</code></span>
                </label>
            }
        })
        .collect_view();
    view! {
        <fieldset aria-describedby=described>
            <legend>"What it is for"</legend>
            {error}
            {boxes}
        </fieldset>
    }
    .into_any()
}

fn life(form: &KeyForm, wrong: &Wrong) -> AnyView {
    let (described, error) = group_error(wrong, "expires_at");
    let choices = LIVES
        .map(|(value, words)| {
            let chosen = value == form.life;
            let day = (value == "date").then(|| {
                view! {
                    <input
                        class="field"
                        type="date"
                        name="date"
                        value=form.date.clone()
                        aria-label="The last day (UTC)"
                    />
                }
            });
            view! {
                <div class="key-line">
                    <label class="form-check">
                        <input type="radio" name="life" value=value checked=chosen/>
                        <span>{words}</span>
                    </label>
                    {day}
                </div>
            }
        })
        .collect_view();
    view! {
        <fieldset aria-describedby=described>
            <legend>"How long it lasts"</legend>
            {error}
            {choices}
        </fieldset>
    }
    .into_any()
}

fn only_agents(form: &KeyForm, agents: &[AgentCard], wrong: &Wrong) -> AnyView {
    let (described, error) = group_error(wrong, "agents");
    let boxes = agents
        .iter()
        .map(|agent| {
            let id = agent.id.to_string();
            let chosen = form.agents.contains(&id);
            view! {
                <label class="form-check">
                    <input type="checkbox" name="agents" value=id checked=chosen/>
                    <span>{agent.name.clone()}</span>
                </label>
            }
        })
        .collect_view();
    view! {
        <fieldset aria-describedby=described>
            <legend>"Agents"</legend>
            {error}
            <label class="form-check">
                <input type="radio" name="which_agents" value="all" checked=!form.some_agents/>
                <span>"All that I may use, and models without an agent"</span>
            </label>
            <label class="form-check">
                <input type="radio" name="which_agents" value="some" checked=form.some_agents/>
                <span>"Only these:"</span>
            </label>
            <div class="key-agents">{boxes}</div>
        </fieldset>
    }
    .into_any()
}
