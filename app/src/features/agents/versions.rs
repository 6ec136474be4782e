//! The versions of an agent: which there are, what changed, and back to one of them.

use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::{use_params_map, use_query_map};
use onelastai_agents::{EditError, EditableAgent, FieldChange, VersionSummary};
use serde_json::Value;

use super::frame::{AgentFrame, Tab};
use super::server_fns::RestoreAgentVersion;
use crate::layout::error_page::{error_view, form_error};
use crate::session::{agents_viewer, desk, local};
use crate::ui::{Moment, diff};

/// `/agents/{slug}/versions`, and `/agents/{slug}/versions/{n}?with={m}`: what version `n`
/// changed, against the one before it unless another is named.
#[component]
pub fn VersionsRoute() -> impl IntoView {
    let params = use_params_map().get_untracked();
    let query = use_query_map().get_untracked();
    let slug = params.get("slug").unwrap_or_default();
    let shown: Option<i32> = params.get("version").and_then(|it| it.parse().ok());
    let with: Option<i32> = query.get("with").and_then(|it| it.parse().ok());
    let done = query
        .get("saved")
        .and_then(|it| it.parse::<i32>().ok())
        .map(|version| format!("Restored, as version {version}."));
    let error = form_error();
    let page = Suspend::new(async move {
        let (state, session) = match desk().await {
            Ok(who) => who,
            Err(error) => return error.page(),
        };
        let viewer = agents_viewer(&session);
        let found = async {
            let agent = state.agents.editable(&viewer, &slug).await?;
            let versions = state.agents.versions(&viewer, agent.id).await?;
            let changes = match shown {
                Some(version) => {
                    let before = with.unwrap_or(version - 1).max(1);
                    let changes = state
                        .agents
                        .compare(&viewer, agent.id, before, version)
                        .await?;
                    Some((before, version, changes))
                }
                None => None,
            };
            Ok::<_, EditError>((agent, versions, changes))
        };
        let (agent, versions, changes) = match found.await {
            Ok(found) => found,
            Err(error) => return error_view(error),
        };
        let comparison = changes
            .map(|(before, after, changes)| comparison(&agent, &versions, before, after, &changes));
        let body = view! {
            {comparison}
            {list(&agent, &versions)}
        };
        view! {
            <AgentFrame
                session=&session
                places=&state.places
                agent=&agent
                tab=Tab::Versions
                error=error
                done=done
            >
                {body}
            </AgentFrame>
        }
        .into_any()
    });
    view! { <Suspense fallback=|| ()>{page}</Suspense> }
}

fn list(agent: &EditableAgent, versions: &[VersionSummary]) -> impl IntoView + use<> {
    let slug = &agent.draft.slug;
    let rows = versions
        .iter()
        .map(|it| {
            let current = it.version == agent.version;
            let author = it
                .author_name
                .clone()
                .unwrap_or_else(|| "OneLastAI".to_owned());
            view! {
                <tr>
                    <th scope="row">
                        <a href=format!("/agents/{slug}/versions/{}", it.version)>
                            {format!("Version {}", it.version)}
                        </a>
                    </th>
                    <td>{it.note.clone()}</td>
                    <td>{author}</td>
                    <td class="time"><Moment at=local(it.created_at)/></td>
                    <td>
                        {if current {
                            view! { <span class="tag">"in use"</span> }.into_any()
                        } else {
                            restore(agent, it.version)
                        }}
                    </td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <div class="table-scroll">
            <table class="table">
                <thead>
                    <tr>
                        <th scope="col">"Version"</th>
                        <th scope="col">"What is new"</th>
                        <th scope="col">"Who"</th>
                        <th scope="col">"When"</th>
                        <th scope="col"><span class="sr-only">"Restore"</span></th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}

fn restore(agent: &EditableAgent, version: i32) -> AnyView {
    view! {
        <form method="post" action=RestoreAgentVersion::url()>
            <input type="hidden" name="slug" value=agent.draft.slug.clone()/>
            <input type="hidden" name="based_on" value=agent.version.to_string()/>
            <input type="hidden" name="version" value=version.to_string()/>
            <button class="button button-quiet">
                "Restore"
                <span class="sr-only">{format!(" version {version}")}</span>
            </button>
        </form>
    }
    .into_any()
}

/// What changed from one to the other, and a way to choose others.
fn comparison(
    agent: &EditableAgent,
    versions: &[VersionSummary],
    before: i32,
    after: i32,
    changes: &[FieldChange],
) -> impl IntoView + use<> {
    let options = versions
        .iter()
        .map(|it| {
            let number = it.version;
            view! { <option value=number.to_string() selected=number == before>{format!("Version {number}")}</option> }
        })
        .collect_view();
    let rows = changes.iter().map(change).collect_view();
    let nothing = changes
        .is_empty()
        .then(|| view! { <p class="nothing">"They say the same."</p> });
    let slug = &agent.draft.slug;
    view! {
        <section aria-labelledby="comparison">
            <h2 id="comparison">{format!("From version {before} to version {after}")}</h2>
            <form class="filters" action=format!("/agents/{slug}/versions/{after}")>
                <label>
                    "Compare with"
                    <select class="field" name="with">{options}</select>
                </label>
                <button class="button button-quiet">"Compare"</button>
            </form>
            {nothing}
            <dl class="changes">{rows}</dl>
        </section>
    }
}

fn change(change: &FieldChange) -> impl IntoView + use<> {
    let name = change.field.replace('_', " ");
    let what = if change.lines.is_empty() {
        view! {
            <del>{words(&change.before)}</del>
            " → "
            <ins>{words(&change.after)}</ins>
        }
        .into_any()
    } else {
        diff(&change.lines)
    };
    view! { <div><dt>{name}</dt><dd>{what}</dd></div> }
}

/// A value as people read it.
fn words(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) if text.is_empty() => "nothing".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "nothing".to_owned(),
        Value::Array(items) => items.iter().map(words).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
