//! What the keyboard can do.

use leptos::prelude::*;

/// The keys, and what each does. `live/keys.rs` is where they are heard.
const KEYS: [(&str, &str); 6] = [
    ("Enter", "Send the message"),
    ("Shift Enter", "Begin a line"),
    ("Esc", "Stop the answer"),
    ("/", "Go to the message box"),
    ("Ctrl Shift O", "New chat"),
    ("?", "This sheet"),
];

/// The sheet; `?` or the account menu opens it.
#[component]
pub fn Shortcuts() -> impl IntoView {
    let rows = KEYS
        .map(|(key, what)| {
            let keys = key
                .split(' ')
                .map(|key| view! { <kbd>{key}</kbd> })
                .collect_view();
            view! { <div><dt>{keys}</dt><dd>{what}</dd></div> }
        })
        .collect_view();
    view! {
        <div class="float shortcuts" id="shortcuts" popover role="dialog" aria-labelledby="shortcuts-title">
            <h2 id="shortcuts-title">"Keyboard"</h2>
            <dl>{rows}</dl>
            <button class="button button-quiet" type="button" popovertarget="shortcuts" popovertargetaction="hide">
                "Close"
            </button>
        </div>
    }
}
