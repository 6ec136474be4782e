//! Text in elements whose content Leptos 0.8 writes as it is: `<title>` and `<textarea>`. What
//! a user or a model wrote could end them and go on as markup.

/// The content of an element that holds escapable raw text (HTML, 13.1.2).
#[must_use]
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

/// What `inner_html` of a `<textarea>` must be to hold `text`. The parser drops a newline
/// at its beginning (HTML, 13.2.6.4.7), so there is always one to drop.
#[must_use]
pub fn textarea_content(text: &str) -> String {
    format!("\n{}", escaped(text))
}

#[cfg(test)]
mod tests {
    use super::{escaped, textarea_content};

    #[test]
    fn no_end_tag_is_left() {
        assert_eq!(
            escaped("</title><script>&lt;"),
            "&lt;/title>&lt;script>&amp;lt;"
        );
        assert_eq!(textarea_content("\n</textarea>"), "\n\n&lt;/textarea>");
    }
}
