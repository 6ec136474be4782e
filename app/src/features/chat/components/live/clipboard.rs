//! Buttons inside the thread: copy code, copy a message, go to the end. One
//! listener for all of them, however many there are.

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos::web_sys::{Element, HtmlElement, MouseEvent};
use onelastai_types::GenerationId;
use wasm_bindgen::{JsCast, JsValue};

use super::send;
use crate::features::chat::source::answer_source;
use crate::ui::browser::{announce, copy, copy_fetched};

/// How long a button says "Copied".
const SAID: Duration = Duration::from_millis(1500);
/// What it says then.
const COPIED: &str = "Copied";

/// A click somewhere in the thread or the composer.
pub(super) fn clicked(event: &MouseEvent) {
    let Some(target) = event.target().and_then(|it| it.dyn_into::<Element>().ok()) else {
        return;
    };
    let pressed = |selector: &str| target.closest(selector).ok().flatten();
    if let Some(button) = pressed("[data-copy]") {
        copy_from(button, ".code-block", "pre");
    } else if let Some(button) = pressed("[data-copy-message]") {
        match answer_of(&button) {
            Some(generation) => copy_source(button, generation),
            // What a person typed is shown as typed.
            None => copy_from(button, ".message", ".blocks"),
        }
    } else if pressed("[data-to-end]").is_some() {
        event.prevent_default();
        send::to_end();
    }
}

/// The answer that `button` stands under, if it is one.
fn answer_of(button: &Element) -> Option<GenerationId> {
    let answer = button.closest("[data-generation]").ok().flatten()?;
    answer.get_attribute("data-generation")?.parse().ok()
}

/// Copies an answer as its model wrote it, and says so.
fn copy_source(button: Element, generation: GenerationId) {
    let source = async move {
        let source = answer_source(generation).await;
        source.map_err(|error| JsValue::from_str(&error.to_string()))
    };
    spawn_local(async move {
        let word = match copy_fetched(source).await {
            Ok(()) => COPIED,
            Err(_) => "Not copied: try again",
        };
        say(button, word);
    });
}

/// Copies the text of `part` of the `whole` that `button` stands in, and says so.
fn copy_from(button: Element, whole: &str, part: &str) {
    let text = button
        .closest(whole)
        .ok()
        .flatten()
        .and_then(|whole| whole.query_selector(part).ok().flatten())
        .and_then(|part| part.dyn_into::<HtmlElement>().ok())
        .map(|part| part.inner_text());
    let Some(text) = text else { return };
    spawn_local(async move {
        let word = match copy(text.trim_end()).await {
            Ok(()) => COPIED,
            Err(_) => "Not copied: the browser does not allow it",
        };
        say(button, word);
    });
}

/// Says at `button` for a while what came of pressing it.
fn say(button: Element, word: &str) {
    announce(word);
    // The word is CSS's to show: the button keeps its own text.
    let _ = button.set_attribute("data-said", word);
    set_timeout(move || drop(button.remove_attribute("data-said")), SAID);
}
