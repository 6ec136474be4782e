//! The message box: drafts, growth, and whether it sends or stops.

use leptos::web_sys::{
    Element, HtmlButtonElement, HtmlElement, HtmlInputElement, HtmlTextAreaElement,
};

use crate::ui::browser::{self, find, find_as, session_storage};

/// The box itself.
pub(super) fn field() -> Option<HtmlTextAreaElement> {
    find_as("#message")
}

/// Gets the box ready: the draft back in it, the cursor too where no keyboard pops up.
pub(super) fn wake() {
    let Some(field) = field() else { return };
    // What was typed before we woke wins.
    if field.value().is_empty()
        && let Some(draft) =
            draft_key().and_then(|key| session_storage()?.get_item(&key).ok().flatten())
    {
        field.set_value(&draft);
    }
    fit(&field);
    let elsewhere = browser::document()
        .active_element()
        .is_some_and(|element| element.tag_name() != "BODY");
    if !elsewhere && !browser::touch_only() {
        focus();
    }
}

/// The person typed.
pub(super) fn typed() {
    let Some(field) = field() else { return };
    keep_draft(&field.value());
    fit(&field);
}

/// Puts `text` in the box, in place of what is there.
pub(super) fn write(text: &str) {
    if let Some(field) = field() {
        field.set_value(text);
        keep_draft(text);
        fit(&field);
    }
}

/// Puts the cursor in the box.
pub(super) fn focus() {
    if let Some(field) = field() {
        let _ = field.focus();
    }
}

/// Whether an answer is being written.
pub(super) fn generating() -> bool {
    place().is_some_and(|place| place.has_attribute("data-generating"))
}

/// Lets *stop* take the place of *send* while `generation` runs, and back after it.
pub(super) fn set_generating(generation: Option<&str>) {
    let Some(place) = place() else { return };
    let _ = match generation {
        Some(generation) => {
            if let Some(input) = find_as::<HtmlInputElement>("#stop [name=generation]") {
                input.set_value(generation);
            }
            place.set_attribute("data-generating", "")
        }
        None => {
            // The button under the pointer or cursor goes away: keep the keyboard's place.
            let on_stop = browser::document()
                .active_element()
                .is_some_and(|element| element.class_name() == "stop");
            if on_stop {
                focus();
            }
            place.remove_attribute("data-generating")
        }
    };
}

/// Stops the answer as if the button were pressed.
pub(super) fn press_stop() {
    if let Some(button) = find_as::<HtmlButtonElement>(".stop") {
        button.click();
    }
}

/// Says what went wrong with a send; nothing to say clears it.
pub(super) fn show_error(text: Option<&str>) {
    if let Some(line) = find("#composer-error") {
        line.set_text_content(text);
    }
}

/// The page at hand has become that of `conversation`; sends go there from now on.
pub(super) fn settle(conversation: &str) {
    if let Some(target) = find_as::<HtmlInputElement>("#composer-target") {
        target.set_name("conversation");
        target.set_value(conversation);
    }
}

/// Each send needs a key of its own.
pub(super) fn set_key(key: &str) {
    if let Some(input) = find_as::<HtmlInputElement>("#composer [name=key]") {
        input.set_value(key);
    }
}

/// What the page sends to: a conversation or an agent, as `name:value`.
fn draft_key() -> Option<String> {
    let target: HtmlInputElement = find_as("#composer-target")?;
    Some(format!("draft:{}:{}", target.name(), target.value()))
}

/// Remembers `text` for this page, in this tab.
fn keep_draft(text: &str) {
    if let (Some(key), Some(storage)) = (draft_key(), session_storage()) {
        // Full or forbidden storage costs the draft, not the message.
        let _ = if text.is_empty() {
            storage.remove_item(&key)
        } else {
            storage.set_item(&key, text)
        };
    }
}

/// For browsers without `field-sizing`: a copy of the text behind the box makes it grow
/// (style/composer.css), without measuring anything.
fn fit(field: &HtmlTextAreaElement) {
    let Some(copy) = find_as::<HtmlElement>("#composer .grow") else {
        return;
    };
    let known =
        leptos::web_sys::css::supports_with_value("field-sizing", "content").unwrap_or(false);
    if !known {
        let _ = copy.set_attribute("data-copy-of-text", &field.value());
    }
}

fn place() -> Option<Element> {
    find("#composer-place")
}
