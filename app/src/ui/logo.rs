//! The sign of the product: a text cursor and a full stop. "1." — one, and the last.

use leptos::prelude::*;

/// The sign alone, in the colour of the text around it.
#[component]
pub fn Mark() -> impl IntoView {
    let shapes = "<path d=\"M5 2h4v16H5z\"/><circle cx=\"14.2\" cy=\"15.6\" r=\"2.4\"/>";
    view! { <svg class="mark" viewBox="0 0 20 20" aria-hidden="true" inner_html=shapes></svg> }
}

/// The sign and the name.
#[component]
pub fn Logo() -> impl IntoView {
    view! {
        <span class="logo">
            <Mark/>
            <span class="wordmark">"OneLast"<b>"AI"</b></span>
        </span>
    }
}
