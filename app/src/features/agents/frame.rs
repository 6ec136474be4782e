//! What the pages of one agent share: the head with its tabs.

use leptos::prelude::*;
use onelastai_agents::EditableAgent;
use onelastai_identity::Session;
use onelastai_types::AgentId;

use super::server_fns::{ArchiveAgent, DuplicateAgent, UnarchiveAgent};
use crate::error::AppError;
use crate::layout::desk::{Desk, Section, outcome};
use crate::place::{Place, Places};
use leptos::server_fn::ServerFn;

/// A part of an agent's page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    /// What it is.
    Build,
    /// What it was.
    Versions,
    /// How it is used.
    Numbers,
}

/// The page of one agent around `children`.
#[component]
pub fn AgentFrame<'a>(
    /// Who looks.
    session: &'a Session,
    /// Where agents live.
    places: &'a Places,
    /// Which agent.
    agent: &'a EditableAgent,
    /// Which part.
    tab: Tab,
    /// What a plain form came back with.
    #[prop(optional_no_strip)]
    error: Option<AppError>,
    /// What was just done.
    #[prop(optional_no_strip)]
    done: Option<String>,
    /// The part.
    children: Children,
) -> impl IntoView + use<> {
    let slug = agent.draft.slug.clone();
    let tabs = [
        (Tab::Build, "Build", format!("/agents/{slug}")),
        (
            Tab::Versions,
            "Versions",
            format!("/agents/{slug}/versions"),
        ),
        (Tab::Numbers, "Numbers", format!("/agents/{slug}/numbers")),
    ]
    .map(|(other, name, href)| {
        view! { <a href=href aria-current=(other == tab).then_some("page")>{name}</a> }
    })
    .collect_view();
    let place = places.origin(&Place::Agent(slug));
    let archived = agent.archived_at.is_some();
    let archive = if archived {
        action::<UnarchiveAgent>(agent.id, "Back into the lists")
    } else {
        action::<ArchiveAgent>(agent.id, "Archive")
    };
    let actions = view! {
        {(!archived).then(|| view! { <a class="button button-quiet" href=place>"Open"</a> })}
        {action::<DuplicateAgent>(agent.id, "Duplicate")}
        {archive}
    }
    .into_any();
    let standing =
        archived.then(|| "This agent is archived: nobody can begin a chat with it.".to_owned());
    let notice = outcome(error, done.or(standing));
    view! {
        <Desk
            session=session
            section=Section::Agents
            title=agent.draft.name.clone()
            actions=Some(actions)
            notice=notice
        >
            <nav class="tabs" aria-label="Parts of this agent">{tabs}</nav>
            {children()}
        </Desk>
    }
    .into_any()
}

/// A button that does one thing to an agent.
pub fn action<F: ServerFn>(agent: AgentId, label: &'static str) -> AnyView {
    view! {
        <form method="post" action=F::url()>
            <input type="hidden" name="agent" value=agent.to_string()/>
            <button class="button button-quiet">{label}</button>
        </form>
    }
    .into_any()
}
