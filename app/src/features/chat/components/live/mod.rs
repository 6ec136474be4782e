//! What makes the chat page live. The page is whole without it: this sends without a
//! reload, shows an answer as it grows, and listens to the keyboard. It wraps HTML that
//! the server wrote and never writes it anew, so nothing typed before it woke is lost.

mod answer;
mod clipboard;
mod composer;
mod feedback;
mod keys;
mod rail;
mod send;
mod stream;

use leptos::ev;
use leptos::html::Div;
use leptos::prelude::*;
use leptos::web_sys::{HtmlFormElement, SubmitEvent};
use wasm_bindgen::JsCast;

use self::stream::Stream;
use crate::ui::browser;

/// Wakes the thread and the composer inside it.
#[island]
pub fn LiveChat(
    /// The thread and the composer, as the server wrote them.
    children: Children,
) -> impl IntoView {
    let root = NodeRef::<Div>::new();

    Effect::new(move |_| {
        if root.get().is_none() {
            return;
        }
        composer::wake();
        browser::localise_times();
        browser::tell_clock();
        browser::tidy_address();
        Stream::current().resume();
        let keys = window_event_listener(ev::keydown, |event| keys::pressed(&event));
        on_cleanup(move || keys.remove());
    });

    let submit = |event: SubmitEvent| {
        let Some(form) = event
            .target()
            .and_then(|it| it.dyn_into::<HtmlFormElement>().ok())
        else {
            return;
        };
        match form.get_attribute("data-live").as_deref() {
            Some("send") => {
                event.prevent_default();
                send::send(&form);
            }
            Some("again") => {
                event.prevent_default();
                send::again(&form);
            }
            Some("stop") => {
                event.prevent_default();
                send::stop(&form);
            }
            Some("judge") => {
                event.prevent_default();
                feedback::judge(form, event.submitter());
            }
            _ => {}
        }
    };
    view! {
        <div
            class="contents"
            node_ref=root
            on:submit=submit
            on:click=|event| clipboard::clicked(&event)
            on:input=|_| composer::typed()
            on:scroll:capture=|event| send::scrolled(&event)
        >
            {children()}
        </div>
    }
}
