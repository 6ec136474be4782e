//! The keyboard. `shortcuts.rs` is the sheet that tells of it.

use leptos::prelude::*;
use leptos::web_sys::{Element, HtmlButtonElement, HtmlFormElement, KeyboardEvent};
use wasm_bindgen::JsCast;

use super::composer;
use crate::ui::browser::{find, find_as, touch_only};

/// Any key, anywhere on the page.
pub(super) fn pressed(event: &KeyboardEvent) {
    // An input method is at work: these keys are its own. 229 is what older ones say.
    if event.is_composing() || event.key_code() == 229 || event.default_prevented() {
        return;
    }
    let target = event.target().and_then(|it| it.dyn_into::<Element>().ok());
    let in_box = target.as_ref().is_some_and(|it| it.id() == "message");
    let writing = target.is_some_and(|it| {
        it.matches("input, textarea, select, [contenteditable]")
            .unwrap_or(false)
    });
    let command = event.ctrl_key() || event.meta_key();
    let done = match event.key().as_str() {
        "Enter" if in_box && !event.shift_key() && !event.alt_key() && !touch_only() => {
            let empty = composer::field().is_none_or(|field| field.value().trim().is_empty());
            if !empty && let Some(form) = find_as::<HtmlFormElement>("#composer") {
                let _ = form.request_submit();
            }
            true
        }
        // An open sheet or menu is what Escape closes first.
        "Escape" if composer::generating() && find(":popover-open").is_none() => {
            composer::press_stop();
            true
        }
        "O" | "o" if command && event.shift_key() => {
            let _ = window().location().assign("/chat");
            true
        }
        "/" if !writing && !command => {
            composer::focus();
            true
        }
        "?" if !writing && !command => {
            if let Some(opener) = find_as::<HtmlButtonElement>("[popovertarget=shortcuts]") {
                opener.click();
            }
            true
        }
        _ => false,
    };
    if done {
        event.prevent_default();
    }
}
