//! Light, dark, or as the system has it.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::web_sys::HtmlButtonElement;
use wasm_bindgen::JsCast;

use super::browser;

/// Makes the theme form inside it act at once; the server still gets the form, and
/// remembers the choice in a cookie.
#[island]
pub fn ThemeChoice(
    /// The form, with one button named `theme` for each choice.
    children: Children,
) -> impl IntoView {
    let choose = move |event: SubmitEvent| {
        let Some(button) = event
            .submitter()
            .and_then(|it| it.dyn_into::<HtmlButtonElement>().ok())
        else {
            return;
        };
        let choice = button.value();
        if browser::post_form("/theme", &[("theme", &choice)]).is_ok() {
            event.prevent_default();
            browser::show_theme(&choice);
            for other in browser::all(&browser::document(), "button[name=theme]") {
                let chosen = other.get_attribute("value").as_deref() == Some(&choice);
                // Nothing to do about an attribute that can't be set.
                let _ = other.set_attribute("aria-pressed", if chosen { "true" } else { "false" });
            }
        }
    };
    view! { <div class="contents" on:submit=choose>{children()}</div> }
}
