//! The frame around code: its language, a button that copies it, and the code.

use crate::highlight::{can_highlight, highlight};
use crate::html::push_escaped;

/// The longest language label, in characters.
const MAX_LABEL: usize = 32;

/// Whether the code is complete and so gets its colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Colours {
    On,
    Off,
}

/// What is around text that is shown as it was written, since it was too much to parse.
pub(crate) const RAW_FRAME: &str = "<pre class=\"raw\" tabindex=\"0\"><code></code></pre>\n";

/// What is around a code block. The button is the only one in the whole HTML, and no text makes
/// another: `info` is cut down to a label.
pub(crate) fn frame(info: &str) -> String {
    let mut out = String::new();
    push_code(&mut out, info, "", Colours::Off);
    out
}

/// Appends a code block in its frame.
pub(crate) fn push_code(out: &mut String, info: &str, code: &str, colours: Colours) {
    let label = label(info);
    out.push_str("<div class=\"code-block\"><div class=\"code-head\"><span class=\"code-lang\">");
    push_escaped(out, &label);
    out.push_str(
        "</span><button type=\"button\" class=\"code-copy\" data-copy>Copy</button></div>",
    );
    out.push_str("<pre tabindex=\"0\"><code class=\"language-");
    push_escaped(out, if label.is_empty() { "text" } else { &label });
    out.push_str("\">");
    if colours == Colours::Off || !highlight(&label, code, out) {
        push_escaped(out, code);
    }
    out.push_str("</code></pre></div>\n");
}

/// Whether code of this kind and length gets colours.
pub(crate) fn has_colours(info: &str, code: &str) -> bool {
    can_highlight(&label(info), code)
}

/// The language in an info string such as `rust,ignore` or `{.python}`: lower case, and only of
/// characters that mean nothing in HTML.
pub(crate) fn label(info: &str) -> String {
    info.trim_start_matches(['{', '.', ' '])
        .chars()
        .take_while(|&c| !c.is_whitespace() && !matches!(c, ',' | '{' | '}' | ':' | '='))
        .filter(|c| is_label_char(*c))
        .take(MAX_LABEL)
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

/// What a language label may be made of.
pub(crate) fn is_label_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '#' | '.' | '_' | '-')
}

/// Appends `code` without the up to `indent` spaces that each of its lines may start with;
/// `line_start` tells whether it starts at the start of a line.
pub(crate) fn push_unindented(out: &mut String, code: &str, indent: usize, line_start: bool) {
    let mut at_start = line_start;
    for line in code.split_inclusive('\n') {
        let spaces = if at_start {
            line.bytes().take(indent).take_while(|&b| b == b' ').count()
        } else {
            0
        };
        out.push_str(&line[spaces..]);
        at_start = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_tame() {
        assert_eq!(label("rust,ignore"), "rust");
        assert_eq!(label(" C++ title=x"), "c++");
        assert_eq!(label("{.python .numberLines}"), "python");
        assert_eq!(label("js\"onload=alert(1)"), "jsonload");
        assert_eq!(label("<script>alert(1)</script>"), "scriptalert1script");
        assert_eq!(label(&"x".repeat(99)).len(), MAX_LABEL);
        assert_eq!(label(""), "");
    }

    #[test]
    fn only_the_indentation_of_the_fence_is_taken_off() {
        let mut out = String::new();
        push_unindented(&mut out, "   a\n b\n\nc", 2, true);
        assert_eq!(out, " a\nb\n\nc");
        out.clear();
        push_unindented(&mut out, "  a\n  b", 2, false);
        assert_eq!(out, "  a\nb");
    }
}
