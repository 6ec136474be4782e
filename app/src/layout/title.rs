//! The page's `<title>`.

use leptos::prelude::*;
use leptos_meta::Title;

/// The title of a page, which may hold words that a user or a model wrote. `leptos_meta`
/// 0.8 puts the text of its `Title` into the server's page as it is, so that a
/// `</title>` in it would go on as markup.
#[component]
pub fn PageTitle(
    /// Plain text.
    #[prop(into)]
    text: String,
) -> impl IntoView {
    view! { <Title text=escaped(text)/> }
}

/// The text of an element whose content is escapable raw text (HTML, 13.1.2).
fn escaped(mut text: String) -> String {
    for (character, reference) in [("&", "&amp;"), ("<", "&lt;")] {
        if text.contains(character) {
            text = text.replace(character, reference);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn no_end_tag_is_left() {
        assert_eq!(
            escaped("</title><script>&lt;".to_owned()),
            "&lt;/title>&lt;script>&amp;lt;"
        );
    }
}
