//! LaTeX math to MathML.

use pulldown_latex::config::{DisplayMode, RenderConfig};
use pulldown_latex::{Parser, Storage, push_mathml};

use crate::html::push_escaped;

/// The longest formula that is parsed, in bytes. Real ones are rarely over a hundred.
const MAX_SOURCE: usize = 4096;

/// How deep a formula may nest, in its braces and in its MathML: browsers and sanitisers recurse.
const MAX_NESTING: usize = 40;

/// Commands that define commands, with which a few bytes can become a megabyte, and `\rule` and
/// `\Space`-like ones that only draw boxes of any size.
const FORBIDDEN: &[&str] = &[
    "def",
    "edef",
    "gdef",
    "xdef",
    "let",
    "futurelet",
    "newcommand",
];

/// Whether math stands in a line of text or on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Inline,
    Display,
}

/// Appends `source` as MathML, or as its source text between dollar signs if it can't be parsed.
pub(crate) fn push_math(out: &mut String, source: &str, mode: Mode) {
    match to_mathml(source, mode) {
        Some(mathml) => out.push_str(&mathml),
        None => {
            let dollars = if mode == Mode::Display { "$$" } else { "$" };
            out.push_str("<code class=\"math-source\">");
            out.push_str(dollars);
            push_escaped(out, source);
            out.push_str(dollars);
            out.push_str("</code>");
        }
    }
}

fn to_mathml(source: &str, mode: Mode) -> Option<String> {
    if source.len() > MAX_SOURCE || source.trim().is_empty() || !is_tame(source) {
        return None;
    }
    let storage = Storage::new();
    let events = Parser::new(source, &storage)
        .collect::<Result<Vec<_>, _>>()
        .ok()?;
    let config = RenderConfig {
        display_mode: match mode {
            Mode::Inline => DisplayMode::Inline,
            Mode::Display => DisplayMode::Block,
        },
        ..RenderConfig::default()
    };
    let mut mathml = String::new();
    let events = events.into_iter().map(Ok::<_, std::convert::Infallible>);
    push_mathml(&mut mathml, events, config).ok()?;
    (depth(&mathml) <= MAX_NESTING).then_some(mathml)
}

/// Whether braces do not nest too deep and no forbidden command is used.
fn is_tame(source: &str) -> bool {
    let mut open = 0_usize;
    let mut rest = source;
    while let Some(at) = rest.find(['{', '}', '\\']) {
        let tail = &rest[at + 1..];
        match rest.as_bytes()[at] {
            b'{' => open += 1,
            b'}' => open = open.saturating_sub(1),
            _ => {
                let name = tail
                    .split(|c: char| !c.is_ascii_alphabetic())
                    .next()
                    .unwrap_or_default();
                if FORBIDDEN.contains(&name) {
                    return false;
                }
                // An escaped brace is no brace.
                let skip = if name.is_empty() {
                    tail.chars().next().map_or(0, char::len_utf8)
                } else {
                    name.len()
                };
                rest = &tail[skip..];
                continue;
            }
        }
        if open > MAX_NESTING {
            return false;
        }
        rest = tail;
    }
    true
}

/// How deep the elements of well-formed MathML nest.
fn depth(mathml: &str) -> usize {
    let (mut now, mut most) = (0_usize, 0);
    for tag in mathml.split('<').skip(1) {
        if tag.starts_with('/') {
            now = now.saturating_sub(1);
        } else if !tag.split('>').next().is_some_and(|t| t.ends_with('/')) {
            now += 1;
            most = most.max(now);
        }
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    fn math(source: &str) -> String {
        let mut out = String::new();
        push_math(&mut out, source, Mode::Inline);
        out
    }

    #[test]
    fn formulas_become_mathml() {
        let html = math(r"\frac{a^2}{\sqrt{b}}");
        assert!(html.starts_with("<math"), "{html}");
        assert!(
            html.contains("<mfrac>") && html.contains("<msqrt>"),
            "{html}"
        );
    }

    #[test]
    fn what_cannot_be_parsed_is_shown() {
        for source in [
            r"\frac{a",
            r"\nosuchcommand",
            r"a^b^c",
            r"\def\a{\a}\a",
            "}",
            "{",
            r"\",
        ] {
            assert!(
                math(source).starts_with("<code class=\"math-source\">$"),
                "{source}"
            );
        }
        assert!(math(r"\<img src=x>").contains("&lt;img"));
    }

    #[test]
    fn nesting_is_bounded() {
        for source in [
            "{".repeat(2000),
            "\\sqrt".repeat(800),
            "x^{".repeat(1300),
            "\\left(".repeat(600),
        ] {
            assert!(math(&source).starts_with("<code"));
        }
        let closed = format!("{}x{}", "{".repeat(600), "}".repeat(600));
        assert!(math(&closed).starts_with("<code"));
        assert_eq!(
            depth("<math><mi>x</mi><mspace/><mrow><mi>y</mi></mrow></math>"),
            3
        );
    }
}
