//! All agents that somebody may edit, as a roster.

use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_query_map;
use onelastai_agents::{DashboardAgent, DashboardPage, DeletedAgent, Visibility};

use super::server_fns::RestoreAgent;
use crate::error::AppError;
use crate::layout::desk::{Desk, Notice, Section, outcome};
use crate::layout::error_page::{error_view, form_error};
use crate::session::{agents_viewer, desk, local};
use crate::ui::{AgentAvatar, Moment};

/// What the address asks for.
#[derive(Debug, Clone, Default)]
struct Asked {
    text: String,
    archived: bool,
    page: u32,
}

impl Asked {
    /// The address of another page of the same.
    fn address(&self, page: u32) -> String {
        let text: String = url::form_urlencoded::byte_serialize(self.text.as_bytes()).collect();
        let archived = if self.archived { "&archived=1" } else { "" };
        format!("/agents?q={text}{archived}&page={page}")
    }
}

/// `/agents?q=…&archived=1&page=2`
#[component]
pub fn RosterRoute() -> impl IntoView {
    let query = use_query_map().get_untracked();
    let asked = Asked {
        text: query.get("q").unwrap_or_default(),
        archived: query.get("archived").is_some(),
        page: query
            .get("page")
            .and_then(|it| it.parse().ok())
            .unwrap_or(1),
    };
    let deleted = query.get("deleted");
    let error = form_error();
    let page = Suspend::new(async move {
        let (state, session) = match desk().await {
            Ok(who) => who,
            Err(error) => return error.page(),
        };
        let viewer = agents_viewer(&session);
        if !viewer.may_create() {
            return error_view(AppError::NotFound);
        }
        let found = async {
            let agents = state
                .agents
                .dashboard(&viewer, &asked.text, asked.archived, asked.page)
                .await?;
            let deleted = state.agents.deleted(&viewer).await?;
            Ok::<_, onelastai_agents::EditError>((agents, deleted))
        };
        let (agents, gone) = match found.await {
            Ok(found) => found,
            Err(error) => return error_view(error),
        };
        let just = gone.iter().find(|it| Some(it.id.to_string()) == deleted);
        let notice = outcome(error, None).or_else(|| just.map(undo));
        let actions = view! {
            <a class="button button-quiet" href="/agents/import">"Import"</a>
            <a class="button" href="/agents/new">"New agent"</a>
        };
        let body = view! {
            {filters(&asked)}
            {table(&agents, &asked)}
            {pages(&agents, &asked)}
            {trash(&gone)}
        };
        view! {
            <Desk
                session=&session
                section=Section::Agents
                title="Agents"
                actions=Some(actions.into_any())
                notice=notice
            >
                {body}
            </Desk>
        }
        .into_any()
    });
    view! { <Suspense fallback=|| ()>{page}</Suspense> }
}

fn filters(asked: &Asked) -> impl IntoView + use<> {
    view! {
        <form class="filters" action="/agents" role="search">
            <label class="wide">
                "Search"
                <input class="field" type="search" name="q" value=asked.text.clone()/>
            </label>
            <label class="form-check">
                <input type="checkbox" name="archived" value="1" checked=asked.archived/>
                "Archived ones"
            </label>
            <button class="button button-quiet">"Show"</button>
        </form>
    }
}

fn table(agents: &DashboardPage, asked: &Asked) -> AnyView {
    if agents.agents.is_empty() {
        let text = match (asked.text.is_empty(), asked.archived) {
            (false, _) => "No agent has that in its name, slug, description, owner or group.",
            (true, true) => "Nothing is archived.",
            (true, false) => {
                "There is no agent of yours yet. Make the first one: a name and what it should do is enough."
            }
        };
        return view! { <p class="nothing">{text}</p> }.into_any();
    }
    let rows = agents.agents.iter().map(row).collect_view();
    view! {
        <div class="table-scroll">
            <table class="table">
                <thead>
                    <tr>
                        <th scope="col">"Agent"</th>
                        <th scope="col">"Whose"</th>
                        <th scope="col">"Who may use it"</th>
                        <th scope="col" class="number">"Chats, 30 days"</th>
                        <th scope="col" class="number">"Answers"</th>
                        <th scope="col" class="number">"Errors"</th>
                        <th scope="col">"Changed"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn row(agent: &DashboardAgent) -> impl IntoView + use<> {
    let href = format!("/agents/{}", agent.slug);
    let who = match agent.visibility {
        Visibility::Private => "Only its owner".to_owned(),
        Visibility::Group => agent.group.clone().unwrap_or_default(),
        Visibility::SignedIn => "Everybody signed in".to_owned(),
        Visibility::Public => "Everybody".to_owned(),
    };
    let errors = format!("{:.1} %", agent.error_share * 100.0);
    view! {
        <tr>
            <td>
                <div class="who">
                    <AgentAvatar name=&agent.name slug=&agent.slug avatar=&agent.avatar/>
                    <div>
                        <a href=href>{agent.name.clone()}</a>
                        <small>{agent.description.clone()}</small>
                    </div>
                </div>
            </td>
            <td>
                {agent.owner_name.clone().unwrap_or_else(|| "The platform’s".to_owned())}
                {agent.group.clone().map(|group| view! { <small>{group}</small> })}
            </td>
            <td>{who}</td>
            <td class="number">{agent.conversations}</td>
            <td class="number">{agent.answers}</td>
            <td class="number">{if agent.answers == 0 { "–".to_owned() } else { errors }}</td>
            <td class="time"><Moment at=local(agent.updated_at)/></td>
        </tr>
    }
}

fn pages(agents: &DashboardPage, asked: &Asked) -> impl IntoView + use<> {
    let before = (agents.page > 1).then(|| {
        let href = asked.address(agents.page - 1);
        view! { <a class="button button-quiet" href=href rel="prev">"Before"</a> }
    });
    let after = (agents.page < agents.pages).then(|| {
        let href = asked.address(agents.page + 1);
        view! { <a class="button button-quiet" href=href rel="next">"After"</a> }
    });
    (agents.pages > 1).then(|| {
        view! { <nav class="pages" aria-label="Pages">{before}{after}</nav> }
    })
}

fn restore(agent: &DeletedAgent, label: &'static str) -> AnyView {
    view! {
        <form method="post" action=RestoreAgent::url()>
            <input type="hidden" name="agent" value=agent.id.to_string()/>
            <button class="button button-quiet">
                {label}
                <span class="sr-only">{format!(" {}", agent.name)}</span>
            </button>
        </form>
    }
    .into_any()
}

fn undo(agent: &DeletedAgent) -> AnyView {
    let text = format!("Deleted “{}”.", agent.name);
    view! { <Notice text=text action=Some(restore(agent, "Undo"))/> }.into_any()
}

/// What was deleted and can be brought back.
fn trash(gone: &[DeletedAgent]) -> impl IntoView + use<> {
    let rows = gone
        .iter()
        .map(|agent| {
            view! {
                <tr>
                    <td>{agent.name.clone()}<small>{agent.slug.clone()}</small></td>
                    <td class="time"><Moment at=local(agent.deleted_at)/></td>
                    <td>{restore(agent, "Bring back")}</td>
                </tr>
            }
        })
        .collect_view();
    (!gone.is_empty()).then(|| {
        view! {
            <details class="fold">
                <summary>{format!("Deleted in the last 30 days ({})", gone.len())}</summary>
                <table class="table"><tbody>{rows}</tbody></table>
            </details>
        }
    })
}
