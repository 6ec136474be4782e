//! The form of an agent, new or not, with the playground beside it.

use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::{use_params_map, use_query_map};
use onelastai_agents::{EditableAgent, Hue, MOST_MODELS, Visibility};
use onelastai_identity::Session;
use onelastai_types::Tier;

use super::fields::{Field, Wrong, choices};
use super::form::AgentForm;
use super::frame::{AgentFrame, Tab};
use super::playground::Playground;
use super::server_fns::DeleteAgent;
use super::submit::Answered;
use crate::error::AppError;
use crate::layout::desk::{Desk, Notice, Section};
use crate::layout::error_page::{error_view, form_error};
use crate::session::{agents_viewer, desk};
use crate::state::AppState;

/// `/agents/new`
#[component]
pub fn NewRoute() -> impl IntoView {
    let answered = use_context::<Answered>();
    let page = Suspend::new(async move {
        let (state, session) = match desk().await {
            Ok(who) => who,
            Err(error) => return error.page(),
        };
        if !agents_viewer(&session).may_create() {
            return error_view(AppError::NotFound);
        }
        let (form, wrong, tried) = match answered {
            Some(it) => (it.form, Wrong(it.wrong), it.tried),
            None => (AgentForm::empty(), Wrong::default(), Vec::new()),
        };
        let models = models(&state);
        let notice = problem(&wrong);
        let body = view! {
            <form class="side-by-side" method="post" action="/agents/new">
                <Fields form=&form wrong=&wrong models=&models session=&session new=true/>
                <Playground form=&form models=&models tried=&tried wrong=&wrong/>
            </form>
        };
        view! {
            <Desk session=&session section=Section::Agents title="New agent" notice=notice>
                {body}
            </Desk>
        }
        .into_any()
    });
    view! { <Suspense fallback=|| ()>{page}</Suspense> }
}

/// `/agents/{slug}`
#[component]
pub fn EditRoute() -> impl IntoView {
    let answered = use_context::<Answered>();
    let slug = use_params_map()
        .get_untracked()
        .get("slug")
        .unwrap_or_default();
    let query = use_query_map().get_untracked();
    let done = query.get("done").as_deref().and_then(done);
    let error = form_error();
    let page = Suspend::new(async move {
        let (state, session) = match desk().await {
            Ok(who) => who,
            Err(error) => return error.page(),
        };
        let agent = match state.agents.editable(&agents_viewer(&session), &slug).await {
            Ok(agent) => agent,
            Err(error) => return error_view(error),
        };
        let models = models(&state);
        let (form, wrong, tried, newer) = match answered {
            Some(it) => (it.form, Wrong(it.wrong), it.tried, it.newer),
            None => {
                let form = AgentForm::of_draft(&agent.draft, agent.version);
                (form, Wrong::default(), Vec::new(), None)
            }
        };
        let body = view! {
            {newer.map(|newer| conflict(&agent, newer))}
            {problem(&wrong)}
            <form class="side-by-side" method="post" action=format!("/agents/{slug}")>
                <Fields form=&form wrong=&wrong models=&models session=&session new=false/>
                <Playground form=&form models=&models tried=&tried wrong=&wrong/>
            </form>
            {others(&agent)}
        };
        view! {
            <AgentFrame
                session=&session
                places=&state.places
                agent=&agent
                tab=Tab::Build
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

/// The words for `?done=`.
fn done(what: &str) -> Option<String> {
    let words = match what {
        "created" => "The agent is there. It is what you see here.",
        "saved" => "Saved as a new version.",
        "unchanged" => "There was nothing to save.",
        "duplicated" => "This is the copy. It is private until you say otherwise.",
        "imported" => "The agent was made from the file.",
        _ => return None,
    };
    Some(words.to_owned())
}

fn problem(wrong: &Wrong) -> Option<AnyView> {
    (!wrong.0.is_empty()).then(|| {
        let text = "Nothing was saved yet: see what is marked below.";
        view! { <Notice text=text bad=true/> }.into_any()
    })
}

/// Somebody was faster. What was typed is still in the form.
fn conflict(agent: &EditableAgent, newer: i32) -> AnyView {
    let slug = &agent.draft.slug;
    let text = format!(
        "Somebody saved version {newer} while you were writing. Your text is still here; look at \
         what they changed, then save again over it."
    );
    let link = view! {
        <a class="button button-quiet" href=format!("/agents/{slug}/versions/{newer}")>
            "What they changed"
        </a>
    };
    view! { <Notice text=text bad=true action=Some(link.into_any())/> }.into_any()
}

/// The models there are, for a select.
fn models(state: &AppState) -> Vec<(String, String)> {
    let models = state.router.models();
    models
        .iter()
        .map(|model| (model.id.clone(), model.id.clone()))
        .collect()
}

/// What can be done besides.
fn others(agent: &EditableAgent) -> impl IntoView + use<> {
    let export = format!("/agents/{}/export.json", agent.draft.slug);
    view! {
        <section class="danger-zone desk-actions" aria-label="More">
            <a class="button button-quiet" href=export download="">"Export as a file"</a>
            <form method="post" action=DeleteAgent::url()>
                <input type="hidden" name="agent" value=agent.id.to_string()/>
                <button class="button button-quiet button-danger">"Delete"</button>
            </form>
        </section>
    }
}

/// Everything that can be edited.
#[component]
fn Fields<'a>(
    /// What stands in it.
    form: &'a AgentForm,
    /// What is wrong with it.
    wrong: &'a Wrong,
    /// The models to choose from: name and words.
    models: &'a [(String, String)],
    /// Whose groups can be chosen.
    session: &'a Session,
    /// There is no such agent yet.
    new: bool,
) -> impl IntoView + use<> {
    let field = |name, label, hint| Field {
        name,
        label,
        hint,
        wrong,
    };
    let slug_hint = if new {
        "Its part of the address. Left empty, it is made of the name."
    } else {
        "Its part of the address. Links to the old one stop working when you change it; nobody else gets it for 30 days."
    };
    let visibility = [
        (Visibility::Private, "Only me"),
        (Visibility::Group, "The members of a group"),
        (Visibility::SignedIn, "Everybody who is signed in"),
        (
            Visibility::Public,
            "Everybody; strangers see its front page",
        ),
    ]
    .map(|(value, words)| (value.to_string(), words.to_owned()));
    let tiers = [
        (Tier::Free, "Every plan"),
        (Tier::Pro, "Pro and Enterprise"),
        (Tier::Enterprise, "Enterprise"),
    ]
    .map(|(value, words)| (value.as_str().to_owned(), words.to_owned()));
    let mut groups = vec![(String::new(), "No group".to_owned())];
    let known = session
        .groups
        .iter()
        .chain(Some(&form.group).filter(|it| !it.is_empty()));
    for group in known {
        if !groups.iter().any(|(path, _)| path == group) {
            groups.push((group.clone(), group.clone()));
        }
    }
    view! {
        <div class="form">
            <input type="hidden" name="based_on" value=form.based_on.to_string()/>
            {field("name", "Name", "").line(&form.name, 80)}
            {field("slug", "Slug", slug_hint).line(&form.slug, 40)}
            {look(form, wrong)}
            {field("description", "Description", "One or two sentences for whoever picks an agent.")
                .text(&form.description, 500)}
            {field("system_prompt", "Instructions", "What the model is told before every conversation. Nobody who chats sees it.")
                .text(&form.system_prompt, 100_000)}
            {preferences(form, models, wrong)}
            <label class="form-check">
                <input type="checkbox" name="local_only" checked=form.local_only/>
                <span>
                    "Never leave the premises"
                    <span class="form-hint">" – no cloud model answers for it, even when no local one can."</span>
                </span>
            </label>
            <div class="form-row">
                {field("temperature", "Temperature", "0 to 2; empty: the model's own").line(&form.temperature, 12)}
                {field("top_p", "Top p", "0 to 1").line(&form.top_p, 12)}
                {field("max_tokens", "Longest answer", "in tokens").line(&form.max_tokens, 12)}
                {field("seed", "Seed", "the same gives the same").line(&form.seed, 24)}
            </div>
            {field("starters", "Questions to begin with", "One a line, at most eight.").text(&form.starters, 2000)}
            <div class="form-row">
                {field("visibility", "Who may use it", "").choice(&form.visibility, &visibility)}
                {field("group", "Group", "Its members who may edit agents can edit this one.").choice(&form.group, &groups)}
                {field("required_tier", "Plan it needs", "").choice(&form.tier, &tiers)}
            </div>
            {(!new).then(|| field("note", "What is new", "For the list of versions; may stay empty.").line(&form.note, 200))}
            <div class="form-actions">
                <button class="button" name="do" value="save">
                    {if new { "Create the agent" } else { "Save" }}
                </button>
                <a class="button button-quiet" href="/agents">"Back to all agents"</a>
            </div>
        </div>
    }
    .into_any()
}

/// Its look: a colour for its initials, or an emoji.
fn look(form: &AgentForm, wrong: &Wrong) -> impl IntoView + use<> {
    let chosen = if form.avatar.is_empty() {
        "slate"
    } else {
        &form.avatar
    };
    let hues = Hue::ALL
        .map(|hue| {
            let name = hue.as_str();
            view! {
                <label>
                    <input type="radio" name="avatar" value=name checked=name == chosen/>
                    <span class="avatar" data-hue=name aria-hidden="true">"A"</span>
                    {name}
                </label>
            }
        })
        .collect_view();
    let emoji = Field {
        name: "emoji",
        label: "Or an emoji",
        hint: "One of them, instead of its initials.",
        wrong,
    }
    .line(&form.emoji, 16);
    view! {
        <fieldset>
            <legend>"Look"</legend>
            <div class="hues">{hues}</div>
            {emoji}
        </fieldset>
    }
}

/// The models in the order of preference, with room for one more.
fn preferences(
    form: &AgentForm,
    models: &[(String, String)],
    wrong: &Wrong,
) -> impl IntoView + use<> {
    let chosen = form.models.iter().rposition(|model| !model.is_empty());
    let shown = chosen.map_or(0, |last| last + 2).clamp(4, MOST_MODELS);
    let selects = (0..shown)
        .map(|index| {
            let name = match index {
                0 => "First choice".to_owned(),
                1 => "Second".to_owned(),
                2 => "Third".to_owned(),
                more => format!("{}th", more + 1),
            };
            let value = form.models.get(index).map_or("", String::as_str);
            let mut options = vec![(String::new(), "–".to_owned())];
            options.extend_from_slice(models);
            // What an agent prefers may not be set up here; it must not get lost.
            if !options.iter().any(|(model, _)| model == value) {
                options.push((value.to_owned(), format!("{value} (not set up here)")));
            }
            let id = format!("model-{index}");
            view! {
                <div class="form-field">
                    <label class="form-hint" for=id.clone()>{name}</label>
                    <select class="field" id=id name="model_preferences">
                        {choices(value, &options)}
                    </select>
                </div>
            }
        })
        .collect_view();
    let error = wrong.of("model_preferences");
    let described = error.as_ref().map(|_| "model_preferences-error");
    view! {
        <fieldset aria-describedby=described>
            <legend>"Models"</legend>
            <div class="form-row">{selects}</div>
            {error.map(|error| view! { <p class="form-error" id="model_preferences-error">{error}</p> })}
            <p class="form-hint">"None chosen: the router takes what is free."</p>
        </fieldset>
    }
}
