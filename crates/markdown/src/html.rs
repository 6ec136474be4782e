//! The type that says a string is safe to put in a page.

use std::fmt;

use crate::sanitise::sanitise;
use crate::source::normalise;

/// A piece of HTML that is safe to put in a page as it is.
///
/// Only this crate can make one: all markup has been through its sanitiser, all text was escaped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Html(String);

impl Html {
    /// Sanitises `unsafe_html`.
    pub(crate) fn from_unsafe(unsafe_html: &str) -> Self {
        Self(sanitise(unsafe_html))
    }

    /// Sanitises `frame` and puts `text`, escaped, at the end of its only `<code>`. Long text goes
    /// this way: there is nothing to sanitise in it, and the serialiser of the sanitiser (html5ever
    /// 0.40) takes quadratic time for many ampersands in one text.
    pub(crate) fn from_frame(frame: &str, text: &str) -> Self {
        let mut html = sanitise(frame);
        if let Some(at) = html.rfind("</code>") {
            let end = html.split_off(at);
            push_escaped(&mut html, text);
            html.push_str(&end);
        }
        Self(html)
    }

    /// Joins finished pieces; each is balanced, so their concatenation is safe too.
    pub(crate) fn push(&mut self, other: &Html) {
        self.0.push_str(&other.0);
    }

    /// The HTML.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The HTML, without a copy.
    pub fn into_string(self) -> String {
        self.0
    }

    /// Whether there is nothing to show.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Html {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for Html {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl From<Html> for String {
    fn from(html: Html) -> Self {
        html.0
    }
}

/// Shows `text` as it is, for what a person typed: no Markdown, blank lines make paragraphs and
/// other line ends stay line ends (`<br>`).
///
/// Takes time in proportion to the length of `text`, and never fails.
pub fn escape(text: &str) -> Html {
    let text = normalise(text);
    let mut out = String::with_capacity(text.len() + 64);
    let mut open = false;
    for line in text.lines() {
        if line.trim().is_empty() {
            if open {
                out.push_str("</p>\n");
            }
            open = false;
        } else {
            out.push_str(if open { "<br>\n" } else { "<p>" });
            open = true;
            push_escaped(&mut out, line);
        }
    }
    if open {
        out.push_str("</p>\n");
    }
    // No markup but what is written here.
    Html(out)
}

/// Appends `text` so that it can stand in an element or in a quoted attribute.
pub(crate) fn push_escaped(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
        out.push_str(&rest[..at]);
        out.push_str(match rest.as_bytes()[at] {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'"' => "&quot;",
            _ => "&#39;",
        });
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_keeps_paragraphs_and_line_ends() {
        let html = escape("one <b>\r\ntwo\n\n\n  three & **four**\n");
        assert_eq!(
            html.as_str(),
            "<p>one &lt;b&gt;<br>\ntwo</p>\n<p>  three &amp; **four**</p>\n"
        );
        assert!(escape(" \n\n").is_empty());
    }

    #[test]
    fn escaped_text_fits_an_attribute() {
        let mut out = String::new();
        push_escaped(&mut out, "a\"b'c<d>e&f");
        assert_eq!(out, "a&quot;b&#39;c&lt;d&gt;e&amp;f");
    }
}
