//! The page's `<title>`.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::ui::raw_text::escaped;

/// The title of a page, which may hold words that a user or a model wrote.
#[component]
#[allow(
    clippy::needless_pass_by_value,
    reason = "callers make the text for it"
)]
pub fn PageTitle(
    /// Plain text.
    #[prop(into)]
    text: String,
) -> impl IntoView {
    view! { <Title text=escaped(&text)/> }
}
