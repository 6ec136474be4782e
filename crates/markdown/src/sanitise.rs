//! The last thing that happens to any HTML: only what this crate itself writes gets through.
//!
//! The renderer escapes all text already. This is the second lock, and does not trust the first: it
//! parses the HTML as a browser would and keeps only listed elements, attributes and values.

use std::borrow::Cow;
use std::sync::LazyLock;

use ammonia::{Builder, UrlRelative};

use crate::code::is_label_char;

/// Elements of HTML that the renderer writes, with their attributes.
const HTML: &[(&str, &[&str])] = &[
    ("a", &["href", "title", "class"]),
    ("blockquote", &[]),
    ("br", &[]),
    ("button", &["class", "data-copy"]),
    ("code", &["class"]),
    ("del", &[]),
    ("div", &["class"]),
    ("em", &[]),
    ("h3", &[]),
    ("h4", &[]),
    ("h5", &[]),
    ("h6", &[]),
    ("hr", &[]),
    ("li", &[]),
    ("ol", &["start"]),
    ("p", &["class"]),
    ("pre", &["class"]),
    ("span", &["class", "role", "aria-label"]),
    ("strong", &[]),
    ("table", &[]),
    ("tbody", &[]),
    ("td", &["class"]),
    ("th", &["class"]),
    ("thead", &[]),
    ("tr", &[]),
    ("ul", &[]),
];

/// Elements of presentation MathML that the math renderer writes. None of them can hold HTML or
/// SVG that survives (`annotation-xml` could), and none is a link.
const MATHML: &[&str] = &[
    "math",
    "merror",
    "mfrac",
    "mi",
    "mn",
    "mo",
    "mover",
    "mpadded",
    "mphantom",
    "mroot",
    "mrow",
    "mspace",
    "msqrt",
    "mstyle",
    "msub",
    "msubsup",
    "msup",
    "mtable",
    "mtd",
    "mtext",
    "mtr",
    "munder",
    "munderover",
    "mmultiscripts",
    "mprescripts",
    "menclose",
];

const MATHML_ATTRIBUTES: &[&str] = &[
    "class",
    "columnspan",
    "depth",
    "display",
    "displaystyle",
    "fence",
    "form",
    "height",
    "largeop",
    "linethickness",
    "lspace",
    "mathvariant",
    "maxsize",
    "minsize",
    "movablelimits",
    "notation",
    "accent",
    "accentunder",
    "rspace",
    "scriptlevel",
    "separator",
    "stretchy",
    "symmetric",
    "voffset",
    "width",
];

/// The largest length in math, in any unit: nothing is to cover the page around it.
const MAX_LENGTH: f32 = 20.0;

static BUILDER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::empty();
    builder
        .add_tags(HTML.iter().map(|(tag, _)| *tag))
        .add_tags(MATHML);
    for &(tag, attributes) in HTML {
        builder.add_tag_attributes(tag, attributes);
    }
    for &tag in MATHML {
        builder.add_tag_attributes(tag, MATHML_ATTRIBUTES);
    }
    builder
        // Of elements that are not listed only the text stays, but not of these: it is no text.
        .clean_content_tags(["script", "style"].into())
        .add_tag_attribute_values("div", "tabindex", ["0"])
        .add_tag_attribute_values("pre", "tabindex", ["0"])
        .set_tag_attribute_value("a", "target", "_blank")
        .set_tag_attribute_value("button", "type", "button")
        .url_schemes(["http", "https", "mailto"].into())
        .url_relative(UrlRelative::Deny)
        .link_rel(Some("nofollow noopener noreferrer ugc"))
        .strip_comments(true)
        .attribute_filter(filter);
    builder
});

/// Keeps what is safe of any HTML. Takes time in proportion to its length, for a bounded nesting.
pub(crate) fn sanitise(html: &str) -> String {
    BUILDER.clean(html).to_string()
}

fn filter<'v>(element: &str, attribute: &str, value: &'v str) -> Option<Cow<'v, str>> {
    let keep = match (element, attribute) {
        (_, "class") => value.split(' ').all(|class| is_class(element, class)),
        ("ol", "start") => value.len() <= 9 && value.bytes().all(|b| b.is_ascii_digit()),
        ("span", "role") => value == "img",
        ("button", "data-copy") => value.is_empty(),
        _ if MATHML.contains(&element) => is_math_value(attribute, value),
        _ => true,
    };
    keep.then_some(Cow::Borrowed(value))
}

/// Whether the renderer gives `element` this class; no text may borrow those of the page.
fn is_class(element: &str, class: &str) -> bool {
    match element {
        "div" => matches!(class, "code-block" | "code-head" | "table-scroll"),
        "span" => {
            matches!(class, "code-lang" | "task-box" | "task-done" | "task-open")
                || is_named(class, "tok-")
        }
        "button" => class == "code-copy",
        "code" => {
            class == "math-source"
                || class
                    .strip_prefix("language-")
                    .is_some_and(|label| label.chars().all(is_label_char))
        }
        "a" => class == "image-link",
        "p" | "pre" => class == "raw",
        "td" | "th" => matches!(class, "align-left" | "align-center" | "align-right"),
        _ => MATHML.contains(&element) && (is_named(class, "menv-") || is_named(class, "cell-")),
    }
}

fn is_named(class: &str, prefix: &str) -> bool {
    class
        .strip_prefix(prefix)
        .is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'))
}

/// A keyword, or lengths that are not too large.
fn is_math_value(attribute: &str, value: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '+' | '-' | '%' | ' ');
    if value.len() > 32 || !value.chars().all(plain) {
        return false;
    }
    match attribute {
        "width" | "height" | "depth" | "voffset" | "lspace" | "rspace" | "linethickness"
        | "minsize" | "maxsize" => {
            let number = value.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '%');
            let per_cent = value.ends_with('%');
            number.parse::<f32>().is_ok_and(|n| {
                // In pixels and points the same box takes larger numbers.
                let unit = if per_cent || value.ends_with("px") || value.ends_with("pt") {
                    16.0
                } else {
                    1.0
                };
                n.abs() <= MAX_LENGTH * unit
            })
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_lock_holds_alone() {
        for (bad, good) in [
            ("<script>alert(1)</script>x", "x"),
            ("<img src=x onerror=alert(1)>x", "x"),
            (
                "<button onclick=alert(1) type=submit class='x'>x</button>",
                "<button type=\"button\">x</button>",
            ),
            (
                "<a href='javascript:alert(1)'>x</a>",
                "<a target=\"_blank\" rel=\"nofollow noopener noreferrer ugc\">x</a>",
            ),
            (
                "<a href='/relative'>x</a>",
                "<a target=\"_blank\" rel=\"nofollow noopener noreferrer ugc\">x</a>",
            ),
            ("<p style='color:red' id=x class='modal'>x</p>", "<p>x</p>"),
            ("<svg><a xlink:href='javascript:1'>x</a></svg>", ""),
            ("<ol start='1e9'><li>x</li></ol>", "<ol><li>x</li></ol>"),
            (
                "<div tabindex='9' class='code-block x'>x</div>",
                "<div>x</div>",
            ),
            ("<span class='tok-Évil'>x</span>", "<span>x</span>"),
        ] {
            assert_eq!(sanitise(bad), good, "{bad}");
        }
    }

    #[test]
    fn math_lengths_are_bounded() {
        assert!(is_math_value("width", "2.5em") && is_math_value("width", "-1em"));
        assert!(is_math_value("height", "100px") && is_math_value("width", "50%"));
        assert!(!is_math_value("width", "9999em") && !is_math_value("height", "-21em"));
        assert!(!is_math_value("width", "calc(9*9em)") && !is_math_value("display", "a\"b"));
        assert!(!is_math_value("width", "NaNem") && !is_math_value("width", "infem"));
    }
}
