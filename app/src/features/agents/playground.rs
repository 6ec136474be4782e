//! Trying an agent before it is saved: one question, two models, side by side.

use leptos::prelude::*;
use onelastai_chat::{Trial, Trouble};

use super::fields::{Field, Wrong, choices};
use super::form::AgentForm;
use crate::error::AppError;
use crate::features::chat::components::explain;
use crate::ui::seconds;

/// What one model said.
#[derive(Debug, Clone)]
pub struct Tried {
    model: String,
    /// Safe HTML.
    html: String,
    /// What took away from it, if something did.
    trouble: Option<String>,
    milliseconds: i32,
}

impl Tried {
    /// What `model` said in a trial.
    pub fn new(model: &str, trial: &Trial) -> Self {
        let trouble = trial.trouble.as_ref().map(|trouble| match trouble {
            Trouble::Time => "There was no time for the rest.".to_owned(),
            Trouble::Model(code) => explain(code).what.to_owned(),
        });
        Self {
            model: model.to_owned(),
            html: onelastai_markdown::render(&trial.text).into_string(),
            trouble,
            milliseconds: i32::try_from(trial.took.as_millis()).unwrap_or(i32::MAX),
        }
    }

    /// Why `model` was not even asked.
    pub fn refused(model: &str, error: &AppError) -> Self {
        Self {
            model: model.to_owned(),
            html: String::new(),
            trouble: Some(error.to_string()),
            milliseconds: 0,
        }
    }
}

/// The part of the form that tries the agent as it stands there, saved or not.
#[component]
pub fn Playground<'a>(
    /// What stands in the form.
    form: &'a AgentForm,
    /// The models to choose from: name and words.
    models: &'a [(String, String)],
    /// What came of the last question.
    tried: &'a [Tried],
    /// What is wrong with the form.
    wrong: &'a Wrong,
) -> impl IntoView + use<> {
    let question = Field {
        name: "question",
        label: "A question to try it with",
        hint: "",
        wrong,
    }
    .text(&form.question, 4000);
    let [left, right] = &form.try_models;
    let first = models.first().map_or("", |(name, _)| name.as_str());
    let left = choices(if left.is_empty() { first } else { left }, models);
    let mut others = vec![(String::new(), "no second model".to_owned())];
    others.extend_from_slice(models);
    let right = choices(right, &others);
    let answers = tried
        .iter()
        .map(|answer| {
            let trouble = answer.trouble.clone();
            view! {
                <section aria-label=format!("What {} said", answer.model)>
                    <h3>{answer.model.clone()} <small>{seconds(answer.milliseconds)}</small></h3>
                    <div class="prose" dir="auto" inner_html=answer.html.clone()></div>
                    {trouble.map(|text| view! { <p class="form-error">{text}</p> })}
                </section>
            }
        })
        .collect_view();
    view! {
        <section class="playground" aria-labelledby="playground-title">
            <h2 id="playground-title">"Try it"</h2>
            <p class="form-hint">"It answers as the form stands, saved or not. Nothing of this is kept; it counts as any answer to you."</p>
            {question}
            <div class="form-row">
                <div class="form-field">
                    <label for="left_model">"Model"</label>
                    <select class="field" id="left_model" name="left_model">{left}</select>
                </div>
                <div class="form-field">
                    <label for="right_model">"Compared with"</label>
                    <select class="field" id="right_model" name="right_model">{right}</select>
                </div>
            </div>
            <button class="button button-quiet" name="do" value="try">"Ask"</button>
            <div class="tried">{answers}</div>
        </section>
    }
    .into_any()
}
