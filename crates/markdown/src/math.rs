//! LaTeX math to MathML.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use pulldown_latex::config::{DisplayMode, RenderConfig};
use pulldown_latex::{Parser, Storage, push_mathml};

use crate::html::push_escaped;

/// The longest formula that is parsed, in bytes. Real ones are rarely over a hundred.
const MAX_SOURCE: usize = 4096;

/// How deep a formula may nest, in its braces and in its MathML: browsers and sanitisers recurse.
const MAX_NESTING: usize = 40;

/// The most commands in a formula, and the most with which it is parsed on the caller's stack. The
/// parser recurses for a command that is the argument of another (`\hat\hat\hat x`), in a debug
/// build by some 20 kB each.
const MAX_COMMANDS: usize = 600;
const SAFE_COMMANDS: usize = 40;
const LARGE_STACK: usize = 32 * 1024 * 1024;

/// Commands that define commands, with which a few bytes can become a megabyte; and one on whose
/// argument the parser panics (0.8.0, before a letter that is not ASCII).
const FORBIDDEN: &[&str] = &[
    "char",
    "def",
    "edef",
    "gdef",
    "xdef",
    "let",
    "futurelet",
    "newcommand",
    "renewcommand",
    "providecommand",
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
    if source.len() > MAX_SOURCE || source.trim().is_empty() {
        return None;
    }
    let mathml = match commands(source)? {
        0..=SAFE_COMMANDS => convert(source, mode)?,
        _ => thread::scope(|scope| {
            let large = thread::Builder::new().stack_size(LARGE_STACK);
            large
                .spawn_scoped(scope, || convert(source, mode))
                .ok()?
                .join()
                .ok()?
        })?,
    };
    (depth(&mathml) <= MAX_NESTING).then_some(mathml)
}

fn convert(source: &str, mode: Mode) -> Option<String> {
    let config = RenderConfig {
        display_mode: match mode {
            Mode::Inline => DisplayMode::Inline,
            Mode::Display => DisplayMode::Block,
        },
        ..RenderConfig::default()
    };
    let parse = || {
        let storage = Storage::new();
        let events = Parser::new(source, &storage)
            .collect::<Result<Vec<_>, _>>()
            .ok()?;
        let events = events.into_iter().map(Ok::<_, std::convert::Infallible>);
        let mut mathml = String::new();
        push_mathml(&mut mathml, events, config).ok()?;
        Some(mathml)
    };
    // The parser has places that it takes to be unreachable; a wrong guess must not cost a message.
    catch_unwind(AssertUnwindSafe(parse)).ok().flatten()
}

/// How many commands are in a formula; none if it has too many, a forbidden one, or braces that
/// nest too deep.
fn commands(source: &str) -> Option<usize> {
    let (mut count, mut open) = (0, 0_usize);
    let mut rest = source;
    while let Some(at) = rest.find(['{', '}', '\\']) {
        let brace = rest.as_bytes()[at];
        rest = &rest[at + 1..];
        match brace {
            b'{' => open += 1,
            b'}' => open = open.saturating_sub(1),
            _ => {
                count += 1;
                let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
                if FORBIDDEN.contains(&&rest[..letters]) {
                    return None;
                }
                // A name is one other character, too; an escaped brace is no brace.
                let other = rest.chars().next().map_or(0, char::len_utf8);
                rest = &rest[if letters == 0 { other } else { letters }..];
            }
        }
        if open > MAX_NESTING || count > MAX_COMMANDS {
            return None;
        }
    }
    Some(count)
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
            "\\hat".repeat(590),
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
