//! Buttons inside the thread: copy code, copy a message, go to the end. One
//! listener for all of them, however many there are.

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos::web_sys::{Element, HtmlElement, MouseEvent};
use wasm_bindgen::JsCast;

use super::send;
use crate::ui::browser::{announce, copy};

/// How long a button says "Copied".
const SAID: Duration = Duration::from_millis(1500);

/// A click somewhere in the thread or the composer.
pub(super) fn clicked(event: &MouseEvent) {
    let Some(target) = event.target().and_then(|it| it.dyn_into::<Element>().ok()) else {
        return;
    };
    let pressed = |selector: &str| target.closest(selector).ok().flatten();
    if let Some(button) = pressed("[data-copy]") {
        copy_from(button, ".code-block", "pre");
    } else if let Some(button) = pressed("[data-copy-message]") {
        copy_from(button, ".message", ".blocks");
    } else if pressed("[data-to-end]").is_some() {
        event.prevent_default();
        send::to_end();
    }
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
            Ok(()) => "Copied",
            Err(_) => "Not copied: the browser does not allow it",
        };
        announce(word);
        // The word is CSS's to show: the button keeps its own text.
        let _ = button.set_attribute("data-said", word);
        set_timeout(move || drop(button.remove_attribute("data-said")), SAID);
    });
}
