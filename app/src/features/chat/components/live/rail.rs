//! The rail, the head and the address, as a conversation begins and gets its title.

use leptos::prelude::*;
use leptos::web_sys::HtmlTemplateElement;
use wasm_bindgen::JsValue;

use super::super::naming::menu_label;
use crate::ui::browser::{document, find, find_as};

/// The id that stands in the template for one that is not known yet.
const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

/// This page is now that of `conversation`: its address, and its line in the rail.
pub(super) fn begin(conversation: &str) {
    if let Ok(history) = window().history() {
        let address = format!("/chat/{conversation}");
        let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&address));
    }
    if let (Some(today), Some(list), Some(template)) = (
        find("#rail-today"),
        find("#rail-today ul"),
        find_as::<HtmlTemplateElement>("#new-entry"),
    ) {
        let entry = template.inner_html().replace(NOBODY, conversation);
        let _ = list.insert_adjacent_html("afterbegin", entry.trim());
        let _ = today.remove_attribute("hidden");
    }
    // Another agent would be another conversation: its name stays, the choice goes.
    if let Some(picker) = find(".picker") {
        let name = picker.first_child().and_then(|text| text.text_content());
        if let Some(line) = picker.parent_element() {
            line.set_text_content(name.as_deref());
        }
    }
}

/// The conversation on the page is called `title` now.
pub(super) fn rename(title: &str) {
    document().set_title(&format!("{title} · OneLastAI"));
    if let Some(head) = find("#conversation-title") {
        head.set_text_content(Some(title));
    }
    if let Some(link) = find(".entry a[aria-current]") {
        link.set_text_content(Some(title));
        let _ = link.set_attribute("title", title);
    }
    if let Some(menu) = find(".entry:has(a[aria-current]) summary .sr-only") {
        menu.set_text_content(Some(&menu_label(title)));
    }
    if let Some(field) = find(".entry:has(a[aria-current]) input[name=title]") {
        let _ = field.set_attribute("value", title);
    }
}
