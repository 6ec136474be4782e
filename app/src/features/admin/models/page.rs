//! `/admin/models`: how all instances are, and the ways to change them.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use onelastai_identity::Permission;
use onelastai_models::Trial;

use super::live::LiveModels;
use super::submit::Answer;
use super::table::{figures, lines, table};
use crate::layout::desk::{Desk, Notice, Section, outcome};
use crate::layout::error_page::form_error;
use crate::session::desk_for;
use crate::ui::seconds;

/// The page.
#[component]
pub fn ModelsRoute() -> impl IntoView {
    let answer = use_context::<Answer>();
    let query = use_query_map().get_untracked();
    let done = query.get("done").as_deref().and_then(done);
    let removed = query.get("removed");
    let error = form_error();
    let page = Suspend::new(async move {
        let (state, session) = match desk_for(Permission::OperationsRead).await {
            Ok(who) => who,
            Err(error) => return error.page(),
        };
        let manages = session.may(Permission::OperationsManage);
        // How models are is known without the database.
        let (known, away) = match state.models.list().await {
            Ok(known) => (known, None),
            Err(error) => {
                tracing::error!(%error, "models");
                (Vec::new(), Some(away()))
            }
        };
        let manages_now = manages && away.is_none();
        let lines = lines(&known, state.router.snapshot());
        let tried = match answer {
            Some(Answer::Tried {
                model,
                instance,
                trial,
            }) => Some(tried(&model, &instance, &trial)),
            _ => None,
        };
        let notice = away
            .or_else(|| outcome(error, done))
            .or_else(|| removed.filter(|_| manages).map(undo))
            .or(tried);
        let actions = manages.then(|| {
            view! { <a class="button" href="/admin/models/new">"Add a model"</a> }.into_any()
        });
        let body = view! {
            <LiveModels>
                <div id="models-live">{figures(&lines)} {table(&lines, manages_now)}</div>
            </LiveModels>
            <p id="models-stale" class="form-error" role="status" hidden>
                "The server can't be reached just now: this is how it was. It is tried again."
            </p>
            <p class="form-hint">
                "As the server that answered you sees it; each looks for itself every 15 seconds. "
                "A drained instance finishes what it has begun, on all servers."
            </p>
        };
        view! {
            <Desk
                session=&session
                section=Section::Models
                title="Models"
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

/// The words for `?done=`.
fn done(what: &str) -> Option<String> {
    let words = match what {
        "added" => "The model is there, on every server.",
        "saved" => "Saved. Every server has it.",
        "unchanged" => "There was nothing to save.",
        "drained" => "The instance finishes what it has begun and gets nothing new.",
        "undrained" => "The instance is back in service.",
        "restored" => "The model is back.",
        _ => return None,
    };
    Some(words.to_owned())
}

fn away() -> AnyView {
    let text = "The database can't be reached, so nothing can be changed just now. What the \
                router knows is below.";
    view! { <Notice text=text bad=true/> }.into_any()
}

/// Undo, after a removal.
fn undo(model: String) -> AnyView {
    let text = format!("{model} was removed, or is as the settings say again.");
    let form = view! {
        <form method="post" action="/admin/models">
            <input type="hidden" name="model" value=model/>
            <button class="button button-quiet" name="do" value="restore">"Undo"</button>
        </form>
    };
    view! { <Notice text=text action=Some(form.into_any())/> }.into_any()
}

/// What came of a test.
fn tried(model: &str, instance: &str, trial: &Trial) -> AnyView {
    let health = &trial.health;
    let whom = format!("{model} at {instance}");
    let took =
        |time: std::time::Duration| seconds(i32::try_from(time.as_millis()).unwrap_or(i32::MAX));
    let (text, bad) = match &trial.answer {
        Some(Ok(answer)) => (
            format!(
                "{whom} answered after {}, in {} altogether: “{}”",
                took(answer.first_token),
                took(answer.total),
                answer.text
            ),
            false,
        ),
        Some(Err(error)) => (
            format!("{whom} is there, but did not answer: {error}."),
            true,
        ),
        None => {
            let what = if health.reachable {
                "is there, but does not have the model"
            } else {
                "can't be reached"
            };
            let why = health.error.as_ref().map(|error| format!(" ({error})"));
            (format!("{whom} {what}{}.", why.unwrap_or_default()), true)
        }
    };
    view! { <Notice text=text bad=bad/> }.into_any()
}
