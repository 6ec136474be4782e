//! What stands under an answer: how it goes or went, what to do, and the details.

use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use onelastai_types::AnswerStatus;

use super::answer_error::explain;
use crate::features::chat::server_fns::AnswerAgain;
use crate::features::chat::view::AnswerView;
use crate::ui::{Icon, IconName, seconds};

/// The foot of an answer, without the element around it.
pub(super) fn foot(answer: &AnswerView) -> AnyView {
    if answer.status == AnswerStatus::Generating {
        return waiting(answer).into_any();
    }
    view! {
        {notice(answer)}
        <div class="actions">
            <button class="action" type="button" data-copy-message title="Copy the answer">
                <Icon name=IconName::Copy/>
                <span class="sr-only">"Copy the answer"</span>
            </button>
            {details(answer)}
        </div>
    }
    .into_any()
}

/// The line under an answer that is being written. Islands change its words.
fn waiting(answer: &AnswerView) -> impl IntoView + use<> {
    let text = answer.model.as_ref().map_or_else(
        || "Waiting for the model…".to_owned(),
        |model| format!("{model} is writing"),
    );
    view! {
        <p class="status">
            <span class="caret" aria-hidden="true"></span>
            <span data-status>{text}</span>
        </p>
    }
}

/// Why the answer is not a whole one, and what to do.
fn notice(answer: &AnswerView) -> Option<AnyView> {
    let generation = answer.generation.to_string();
    let again = || {
        view! {
            <form class="again" method="post" action=AnswerAgain::url() data-live="again">
                <input type="hidden" name="generation" value=generation/>
                <button class="button button-quiet">
                    <Icon name=IconName::RotateCcw/>
                    "Try again"
                </button>
            </form>
        }
    };
    match answer.status {
        AnswerStatus::Generating | AnswerStatus::Complete => None,
        AnswerStatus::Stopped => Some(
            view! {
                <div class="notice">
                    <p>"Stopped. What was written is kept."</p>
                    {again()}
                </div>
            }
            .into_any(),
        ),
        AnswerStatus::Failed | AnswerStatus::Interrupted => {
            let usual = if answer.status == AnswerStatus::Interrupted {
                "interrupted"
            } else {
                ""
            };
            let words = explain(answer.error.as_deref().unwrap_or(usual));
            Some(
                view! {
                    <div class="notice notice-bad">
                        <Icon name=IconName::TriangleAlert/>
                        <p><strong>{words.what}</strong>" "{words.advice}</p>
                        {again()}
                    </div>
                }
                .into_any(),
            )
        }
    }
}

/// Which model, why, and what it took: folded away.
fn details(answer: &AnswerView) -> impl IntoView + use<> {
    let fact = |name: &'static str, value: Option<String>| {
        value.map(|value| view! { <div><dt>{name}</dt><dd>{value}</dd></div> })
    };
    let tokens = |count: i32| (count > 0).then(|| count.to_string());
    let model = answer.model.clone();
    view! {
        <details class="facts">
            <summary class="action">
                {model.clone().unwrap_or_else(|| "Details".to_owned())}
                <Icon name=IconName::ChevronDown/>
            </summary>
            <dl>
                {fact("Model", model)}
                {fact("Why this one", answer.reason.clone())}
                {fact("Version of the agent", answer.agent_version.map(|it| it.to_string()))}
                {fact("Tokens read", tokens(answer.prompt_tokens))}
                {fact("Tokens written", tokens(answer.completion_tokens))}
                {fact("First token after", answer.first_token_ms.map(seconds))}
                {fact("Done after", answer.total_ms.map(seconds))}
                {fact("Error", answer.error.clone())}
            </dl>
        </details>
    }
}
