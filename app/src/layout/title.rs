//! The page's `<title>`.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::ui::raw_text::escaped;

/// The title of a page, which may hold words that a user or a model wrote.
#[component]
pub fn PageTitle(
    /// Plain text.
    #[prop(into)]
    text: String,
) -> impl IntoView {
    view! { <Title text=escaped(&text)/> }
}
