//! Which dollar signs mean math.

use std::borrow::Cow;
use std::ops::Range;

/// Writes `\(…\)` as `$…$` and `\[…\]` as `$$…$$`, as many models write math. To CommonMark these
/// are escaped brackets, so text that merely escapes them is left alone where it can be told.
pub(crate) fn tex_to_dollars(source: &str) -> Cow<'_, str> {
    let has = |open: &str, close: &str| source.contains(open) && source.contains(close);
    if !has("\\(", "\\)") && !has("\\[", "\\]") {
        return Cow::Borrowed(source);
    }
    let mut out = String::with_capacity(source.len() + 8);
    let mut at = 0;
    // The next closing bracket of each kind is searched for once, so the work stays linear.
    let mut round = Finder::new("\\)");
    let mut square = Finder::new("\\]");
    while let Some(step) = source[at..].find(['\\', '`']) {
        out.push_str(&source[at..at + step]);
        at += step;
        let rest = &source[at..];
        let (skip, math) = if rest.starts_with('`') {
            (code_span(rest), None)
        } else if rest.starts_with("\\(") {
            (2, round.next(source, at + 2).map(|end| (end, "$")))
        } else if rest.starts_with("\\[") {
            (2, square.next(source, at + 2).map(|end| (end, "$$")))
        } else {
            (1 + rest[1..].chars().next().map_or(0, char::len_utf8), None)
        };
        match math {
            Some((end, dollars)) if is_math(source, at, end, dollars) => {
                out.push_str(dollars);
                out.push_str(source[at + 2..end].trim());
                out.push_str(dollars);
                at = end + 2;
            }
            _ => {
                out.push_str(&source[at..at + skip]);
                at += skip;
            }
        }
    }
    out.push_str(&source[at..]);
    Cow::Owned(out)
}

struct Finder {
    what: &'static str,
    found: Option<usize>,
    /// Nothing is left to find.
    over: bool,
}

impl Finder {
    fn new(what: &'static str) -> Self {
        Self {
            what,
            found: None,
            over: false,
        }
    }

    /// The first at or after `from`; calls must come with growing `from`.
    fn next(&mut self, source: &str, from: usize) -> Option<usize> {
        if !self.over && self.found.is_none_or(|at| at < from) {
            self.found = source[from..].find(self.what).map(|at| from + at);
            self.over = self.found.is_none();
        }
        self.found
    }
}

/// How long the code span is that starts with these backticks (or just the backticks, if it is
/// none). Code fences inside of lists come out the same.
fn code_span(rest: &str) -> usize {
    let ticks = rest.bytes().take_while(|&b| b == b'`').count();
    let mut at = ticks;
    // A code span is mostly short. A limit keeps thousands of unmatched ones linear.
    let within = rest.len().min(4096);
    while at < within {
        let Some(step) = rest.as_bytes()[at..].iter().position(|&b| b == b'`') else {
            break;
        };
        at += step;
        let run = rest.as_bytes()[at..]
            .iter()
            .take_while(|&&b| b == b'`')
            .count();
        at += run;
        if run == ticks {
            return at;
        }
    }
    ticks
}

/// Whether `source[at..end + 2]` is a formula rather than a text between escaped brackets.
fn is_math(source: &str, at: usize, end: usize, dollars: &str) -> bool {
    let inner = &source[at + 2..end];
    // Brackets of a kind do not nest; without this check, a row of opening ones would be quadratic.
    let open = &source[at..at + 2];
    if inner
        .match_indices(open)
        .any(|(i, _)| !inner[..i].ends_with('\\'))
    {
        return false;
    }
    if inner.trim().is_empty() || inner.contains(['$', '`']) || inner.contains("\n\n") {
        return false;
    }
    let mathematical = inner.contains(['\\', '^', '_', '=', '+', '<', '>', '/', '*', '-']);
    let after_word = source[..at].ends_with(char::is_alphanumeric);
    mathematical || (dollars == "$" && !after_word)
}

/// Escapes the first and the last character of each of the `amounts`, which are dollar signs.
pub(crate) fn escape_money(source: &str, amounts: &[Range<usize>]) -> String {
    let mut out = String::with_capacity(source.len() + 2 * amounts.len());
    let mut at = 0;
    for amount in amounts {
        for sign in [amount.start, amount.end - 1] {
            out.push_str(&source[at..sign]);
            out.push('\\');
            at = sign;
        }
    }
    out.push_str(&source[at..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tex_brackets_become_dollars() {
        for (tex, dollars) in [
            (r"a \( x \) b", "a $x$ b"),
            (r"\(x\)", "$x$"),
            (r"\[ x^2 = 1 \]", "$$x^2 = 1$$"),
            (r"\[1\] and f\(x\)", r"\[1\] and f\(x\)"),
            (r"`\(x\)` \(y\)", r"`\(x\)` $y$"),
            (r"\\(x\\)", r"\\(x\\)"),
            (r"\(x", r"\(x"),
            (r"\( \) \(a$b\)", r"\( \) \(a$b\)"),
            ("```\n\\(x\\)\n```\n\\(é\\)", "```\n\\(x\\)\n```\n$é$"),
        ] {
            assert_eq!(tex_to_dollars(tex), dollars, "{tex}");
        }
    }

    #[test]
    fn prices_are_escaped() {
        assert_eq!(
            escape_money("**$5** to **$10** $1/$2", &[2..13, 18..22]),
            r"**\$5** to **\$10** \$1/\$2"
        );
    }
}
