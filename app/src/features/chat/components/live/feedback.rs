//! What a person thinks of an answer, without a reload.

use leptos::task::spawn_local;
use leptos::web_sys::{Element, HtmlElement, HtmlFormElement};
use onelastai_types::Feedback;
use wasm_bindgen::JsCast;

use super::composer;
use super::send::generation;
use crate::features::chat::server_fns::judge_answer;

/// The buttons of a form.
const BUTTONS: &str = "button[data-feedback]";

/// Sends what the button that was pressed stands for, and shows it once the server has it.
pub(super) fn judge(form: HtmlFormElement, button: Option<HtmlElement>) {
    let value = button.and_then(|button| button.get_attribute("value"));
    let (Some(generation), Some(value)) = (generation(&form), value) else {
        return;
    };
    let feedback = match value.as_str() {
        "good" => Feedback::Good,
        "bad" => Feedback::Bad,
        _ => Feedback::None,
    };
    spawn_local(async move {
        match judge_answer(generation, feedback).await {
            Ok(()) => show(&form, &value),
            Err(error) => composer::show_error(Some(&error.to_string())),
        }
    });
}

/// Presses the button of this value alone; pressed, it takes back what it said.
fn show(form: &HtmlFormElement, value: &str) {
    let Ok(buttons) = form.query_selector_all(BUTTONS) else {
        return;
    };
    let buttons = (0..buttons.length()).filter_map(|at| buttons.get(at));
    for button in buttons.filter_map(|node| node.dyn_into::<Element>().ok()) {
        let own = button.get_attribute("data-feedback").unwrap_or_default();
        let pressed = own == value;
        let next = if pressed { "none" } else { &own };
        let _ = button.set_attribute("aria-pressed", if pressed { "true" } else { "false" });
        let _ = button.set_attribute("value", next);
    }
}
