//! The form of a model, new or not.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use onelastai_identity::Permission;
use onelastai_models::{CAPABILITIES, KeyState, Known, ModelDraft, Source};

use super::form::ModelForm;
use super::submit::Answer;
use crate::error::AppError;
use crate::features::agents::fields::{Field, Wrong};
use crate::layout::desk::{Desk, Notice, Section};
use crate::layout::error_page::error_view;
use crate::session::desk_for;

/// `/admin/models/new`
#[component]
pub fn NewModelRoute() -> impl IntoView {
    let answer = use_context::<Answer>();
    let page = Suspend::new(async move {
        let (state, session) = match desk_for(Permission::OperationsManage).await {
            Ok(who) => who,
            Err(error) => return error.page(),
        };
        let (form, wrong, _) = unpack(answer).unwrap_or_else(|| {
            (
                ModelForm::of_draft(&ModelDraft::empty(), 0),
                Wrong::default(),
                false,
            )
        });
        let fields = fields(
            &form,
            &wrong,
            KeyState::None,
            state.models.stores_keys(),
            true,
        );
        view! {
            <Desk
                session=&session
                section=Section::Models
                title="New model"
                notice=problem(&wrong, false)
            >
                <form class="form" method="post" action="/admin/models/new">{fields}</form>
            </Desk>
        }
        .into_any()
    });
    view! { <Suspense fallback=|| ()>{page}</Suspense> }
}

/// `/admin/models/{id}`
#[component]
pub fn EditModelRoute() -> impl IntoView {
    let answer = use_context::<Answer>();
    let id = use_params_map()
        .get_untracked()
        .get("id")
        .unwrap_or_default();
    let page = Suspend::new(async move {
        let (state, session) = match desk_for(Permission::OperationsManage).await {
            Ok(who) => who,
            Err(error) => return error.page(),
        };
        let known = match state.models.find(&id).await {
            Ok(Some(known)) => known,
            Ok(None) => return error_view(AppError::NotFound),
            Err(error) => return error_view(error),
        };
        let (form, wrong, conflict) = unpack(answer).unwrap_or_else(|| {
            (
                ModelForm::of_draft(&known.draft, known.version),
                Wrong::default(),
                false,
            )
        });
        let fields = fields(&form, &wrong, known.key, state.models.stores_keys(), false);
        let address = format!("/admin/models/{id}");
        view! {
            <Desk
                session=&session
                section=Section::Models
                title=known.draft.display_name.clone()
                notice=problem(&wrong, conflict)
            >
                <form class="form" method="post" action=address.clone()>{fields}</form>
                {remove(&known, address)}
            </Desk>
        }
        .into_any()
    });
    view! { <Suspense fallback=|| ()>{page}</Suspense> }
}

fn unpack(answer: Option<Answer>) -> Option<(ModelForm, Wrong, bool)> {
    match answer? {
        Answer::Form {
            form,
            wrong,
            conflict,
        } => Some((*form, Wrong(wrong), conflict)),
        Answer::Tried { .. } => None,
    }
}

fn problem(wrong: &Wrong, conflict: bool) -> Option<AnyView> {
    let text = if conflict {
        "Somebody changed this model while you were writing. What you typed is still here; save \
         again to put it in place of theirs. A key has to be typed again."
    } else if wrong.0.is_empty() {
        return None;
    } else {
        "Nothing was saved yet: see what is marked below. A key has to be typed again."
    };
    Some(view! { <Notice text=text bad=true/> }.into_any())
}

/// Away with what is stored here.
fn remove(known: &Known, address: String) -> Option<impl IntoView + use<>> {
    let word = match known.source {
        Source::Settings => return None,
        Source::Changed => "Back to the settings",
        Source::Added => "Remove",
    };
    Some(view! {
        <form class="danger-zone" method="post" action=address>
            <button class="button button-quiet button-danger" name="do" value="remove">{word}</button>
        </form>
    })
}

fn fields(form: &ModelForm, wrong: &Wrong, key: KeyState, stores_keys: bool, new: bool) -> AnyView {
    let field = |name, label, hint| Field {
        name,
        label,
        hint,
        wrong,
    };
    let providers = [
        ("ollama", "Ollama"),
        ("openai", "OpenAI protocol (vLLM, llama.cpp, clouds)"),
    ]
    .map(|(name, words)| (name.to_owned(), words.to_owned()));
    let kinds = [
        ("local", "On our own machines"),
        ("cloud", "In a cloud: what is asked leaves the house"),
    ]
    .map(|(name, words)| (name.to_owned(), words.to_owned()));
    let instances_hint = "One address a line, with how many answers it gives at once, its share of \
                          the work and, where that isn't the model's, its context in tokens: \
                          http://gpu-1:11434;slots=2;weight=1;context=8192";
    let id = new.then(|| {
        field(
            "id",
            "Name",
            "What agents and the API call it, such as qwen3. It stays.",
        )
        .line(&form.id, 63)
    });
    view! {
        <input type="hidden" name="based_on" value=form.based_on.to_string()/>
        {id}
        {field("display_name", "Name for people", "Left empty, it is the same.").line(&form.display_name, 80)}
        <div class="form-row">
            {field("provider", "How it is spoken to", "").choice(&form.provider, &providers)}
            {field("kind", "Where it runs", "").choice(&form.kind, &kinds)}
        </div>
        {field("engine_name", "Name at the engine", "Such as qwen3:4b.").line(&form.engine_name, 200)}
        {field("instances", "Addresses", instances_hint).text(&form.instances, 20_000)}
        {key_field(form, wrong, key, stores_keys)}
        {capabilities(form, wrong)}
        <div class="form-row">
            {field("context_length", "Context", "in tokens").line(&form.context_length, 12)}
            {field("position", "Place in the order", "Small numbers first; the settings' own are 10, 20, 30.").line(&form.position, 12)}
        </div>
        <div class="form-row">
            {field("price_prompt", "Price of reading", "for a million tokens, as 0.15; empty: nothing").line(&form.price_prompt, 20)}
            {field("price_completion", "Price of writing", "the same").line(&form.price_completion, 20)}
            {field("price_currency", "Currency", "as USD").line(&form.currency, 3)}
        </div>
        {field("purpose", "Good for", "A few words; may stay empty.").line(&form.purpose, 200)}
        <label class="form-check">
            <input type="checkbox" name="enabled" checked=form.enabled/>
            <span>"In service"</span>
        </label>
        <div class="form-actions">
            <button class="button" name="do" value="save">{if new { "Add the model" } else { "Save" }}</button>
            <a class="button button-quiet" href="/admin/models">"Back to all models"</a>
        </div>
    }
    .into_any()
}

/// The key: it goes in and does not come out.
fn key_field(form: &ModelForm, wrong: &Wrong, key: KeyState, stores_keys: bool) -> AnyView {
    let errors = wrong.0.iter().filter(|error| error.field == "key");
    let errors: Vec<_> = errors.map(|error| error.message.clone()).collect();
    let hint = match key {
        _ if !stores_keys => {
            "Keys can't be stored here: the setting SECRETS_KEY, 32 bytes in base64, is missing."
        }
        KeyState::None => "If the engine wants one. It is stored sealed and never shown again.",
        KeyState::Settings => "The settings have one. One that is typed here goes before it.",
        KeyState::Stored => "One is stored. Left empty, it stays.",
        KeyState::Unreadable => {
            "One is stored, but it was sealed with another SECRETS_KEY: type it again."
        }
    };
    let forget = matches!(key, KeyState::Stored | KeyState::Unreadable).then(|| {
        view! {
            <label class="form-check">
                <input type="checkbox" name="forget_key" checked=form.forget_key/>
                <span>"Forget the key"</span>
            </label>
        }
    });
    let invalid = (!errors.is_empty()).then_some("true");
    view! {
        <div class="form-field">
            <label for="key">"Key"</label>
            <input
                class="field"
                id="key"
                name="key"
                type="password"
                maxlength="4096"
                autocomplete="new-password"
                disabled=!stores_keys
                aria-describedby="key-error key-hint"
                aria-invalid=invalid
            />
            <p class="form-error" id="key-error">{errors.join(" ")}</p>
            <p class="form-hint" id="key-hint">{hint}</p>
            {forget}
        </div>
    }
    .into_any()
}

fn capabilities(form: &ModelForm, wrong: &Wrong) -> AnyView {
    const WORDS: [&str; CAPABILITIES.len()] = [
        "answers conversations",
        "calls tools",
        "sees pictures",
        "writes JSON to a schema",
        "turns texts into vectors",
    ];
    let boxes = CAPABILITIES
        .into_iter()
        .zip(WORDS)
        .map(|(name, words)| {
            let checked = form.capabilities.iter().any(|it| it == name);
            view! {
                <label class="form-check">
                    <input type="checkbox" name="capabilities" value=name checked=checked/>
                    <span>{words}</span>
                </label>
            }
        })
        .collect_view();
    let errors = wrong.0.iter().filter(|error| error.field == "capabilities");
    let errors = errors
        .map(|error| view! { <p class="form-error">{error.message.clone()}</p> })
        .collect_view();
    view! { <fieldset><legend>"What it can do"</legend>{boxes}{errors}</fieldset> }.into_any()
}
