//! What stands under an answer: how it goes or went, what to do, and the details.

use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use onelastai_types::{AnswerStatus, Currency, Feedback};

use super::answer_error::explain;
use super::waiting::place_in_line;
use crate::features::chat::server_fns::{AnswerAgain, JudgeAnswer};
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
            {feedback(answer)}
            {details(answer)}
        </div>
    }
    .into_any()
}

/// Two buttons for what the person thinks of the answer. The one that is pressed takes it back.
fn feedback(answer: &AnswerView) -> Option<impl IntoView + use<>> {
    let whole = matches!(
        answer.status,
        AnswerStatus::Complete | AnswerStatus::Stopped
    );
    let (generation, given) = (answer.generation.to_string(), answer.feedback);
    let button = move |own: Feedback, name: &'static str, icon, words: &'static str| {
        let pressed = given == own;
        view! {
            <button
                class="action"
                name="feedback"
                value=if pressed { "none" } else { name }
                data-feedback=name
                aria-pressed=if pressed { "true" } else { "false" }
                title=words
            >
                <Icon name=icon/>
                <span class="sr-only">{words}</span>
            </button>
        }
    };
    whole.then(|| {
        view! {
            <form class="feedback" method="post" action=JudgeAnswer::url() data-live="judge">
                <input type="hidden" name="generation" value=generation/>
                {button(Feedback::Good, "good", IconName::ThumbsUp, "A good answer")}
                {button(Feedback::Bad, "bad", IconName::ThumbsDown, "A bad answer")}
            </form>
        }
    })
}

/// The line under an answer that is being written. Islands change its words.
fn waiting(answer: &AnswerView) -> impl IntoView + use<> {
    let text = match (&answer.model, answer.place_in_line) {
        (Some(model), _) => format!("{model} is writing"),
        (None, Some(place)) => place_in_line(place),
        (None, None) => "Waiting for the model…".to_owned(),
    };
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
        AnswerStatus::Complete if answer.making.cut_off => Some(
            view! {
                <div class="notice">
                    <p>"Cut off: the answer was as long as it may be. Ask to go on if you need the rest."</p>
                </div>
            }
            .into_any(),
        ),
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
            let words = explain(answer.error.as_deref().unwrap_or_default());
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
    let making = &answer.making;
    let waited = making.waiting_ms.filter(|ms| *ms >= 10).map(seconds);
    let tries = (making.retries > 0).then(|| match making.retries {
        1 => "another server failed before".to_owned(),
        more => format!("{more} other servers failed before"),
    });
    let cost = making.cost.map(|(micros, currency)| cost(micros, currency));
    view! {
        <details class="facts">
            <summary class="action">
                {model.clone().unwrap_or_else(|| "Details".to_owned())}
                <Icon name=IconName::ChevronDown/>
            </summary>
            <dl>
                {fact("Model", model)}
                {fact("Why this one", answer.reason.clone())}
                {fact("Where", making.instance.as_deref().map(place))}
                {fact("Tries", tries)}
                {fact("Version of the agent", answer.agent_version.map(|it| it.to_string()))}
                {fact("Tokens read", tokens(answer.prompt_tokens))}
                {fact("Tokens written", tokens(answer.completion_tokens))}
                {fact("Cost", cost)}
                {fact("Waited in line", waited)}
                {fact("First token after", answer.first_token_ms.map(seconds))}
                {fact("Done after", answer.total_ms.map(seconds))}
                {fact("Error", answer.error.clone())}
            </dl>
        </details>
    }
}

/// The host of an instance: what a person can make something of.
fn place(instance: &str) -> String {
    let host = instance.split("//").nth(1).unwrap_or(instance);
    host.split('/').next().unwrap_or(host).to_owned()
}

/// A cost in units of its currency; small ones keep the digits that they have.
fn cost(micros: i64, currency: Currency) -> String {
    let digits = if micros < 10_000 { 6 } else { 4 };
    format!("{:.digits$} {currency}", micros as f64 / 1_000_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_is_told_by_its_host() {
        assert_eq!(place("http://10.0.0.7:11434/"), "10.0.0.7:11434");
        assert_eq!(place("https://api.example.com/v1/"), "api.example.com");
    }

    #[test]
    fn a_small_cost_is_not_nothing() {
        let usd: Currency = "USD".parse().unwrap();
        assert_eq!(cost(42, usd), "0.000042 USD");
        assert_eq!(cost(1_234_567, usd), "1.2346 USD");
    }
}
