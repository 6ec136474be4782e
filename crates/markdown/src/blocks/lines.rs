//! What a single line could start.

/// What a line could start, if nothing that is open takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Start {
    Blank,
    Fence {
        marker: u8,
        len: usize,
        indent: usize,
    },
    Heading,
    /// `***`, `- - -`; with `dashes` it may instead make a heading of the paragraph above.
    Rule {
        dashes: bool,
    },
    /// `===`, which makes a heading of the paragraph above, or is text.
    Underline,
    Quote,
    /// Text of the item starts at column `content`; `interrupts` tells whether it ends a paragraph.
    Item {
        content: usize,
        indent: usize,
        interrupts: bool,
        empty: bool,
    },
    Math {
        close: &'static str,
    },
    Code,
    Text,
}

/// The columns of white space that `line` starts with, and what it starts.
pub(super) fn start_of(line: &str) -> (usize, Start) {
    let (indent, body) = indent(line);
    let body = body.trim_end();
    let Some(&first) = body.as_bytes().first() else {
        return (indent, Start::Blank);
    };
    if indent >= 4 {
        return (indent, Start::Code);
    }
    let start = match first {
        b'`' | b'~' if opens_fence(body, first) => Start::Fence {
            marker: first,
            len: run(body, first),
            indent,
        },
        b'#' if run(body, b'#') <= 6 && !text_follows(&body[run(body, b'#')..]) => Start::Heading,
        b'>' => Start::Quote,
        b'=' if run(body, b'=') == body.len() => Start::Underline,
        b'$' if body == "$$" => Start::Math { close: "$$" },
        b'\\' if body == "\\[" => Start::Math { close: "\\]" },
        b'-' | b'*' | b'_' if is_rule(body, first) => Start::Rule {
            dashes: run(body, b'-') == body.len(),
        },
        b'-' | b'*' | b'+' => item(body, indent, 1, true),
        b'0'..=b'9' => {
            let digits = body.bytes().take_while(u8::is_ascii_digit).count();
            match body.as_bytes().get(digits) {
                Some(b'.' | b')') if digits <= 9 => {
                    item(body, indent, digits + 1, body[..digits].parse() == Ok(1))
                }
                _ => Start::Text,
            }
        }
        _ => Start::Text,
    };
    (indent, start)
}

/// A list item, if white space follows the marker.
fn item(body: &str, indent: usize, marker: usize, interrupts: bool) -> Start {
    let rest = &body[marker..];
    if rest.is_empty() {
        return Start::Item {
            content: indent + marker + 1,
            indent,
            interrupts: false,
            empty: true,
        };
    }
    if text_follows(rest) {
        return Start::Text;
    }
    let column = indent + marker;
    let spaces = rest
        .bytes()
        .take_while(|b| matches!(b, b' ' | b'\t'))
        .fold(column, next_column);
    // Five columns or more are the one after the marker, and code that is indented by the others.
    let gap = if spaces - column > 4 {
        1
    } else {
        spaces - column
    };
    Start::Item {
        content: column + gap,
        indent,
        interrupts,
        empty: false,
    }
}

/// Whether a line of a quote may be of a paragraph.
pub(super) fn has_quoted_text(line: &str) -> bool {
    !line
        .trim_start_matches(['>', ' ', '\t'])
        .trim_end()
        .is_empty()
}

fn text_follows(rest: &str) -> bool {
    !rest.is_empty() && !rest.starts_with([' ', '\t'])
}

fn opens_fence(body: &str, marker: u8) -> bool {
    let len = run(body, marker);
    len >= 3 && !(marker == b'`' && body[len..].contains('`'))
}

fn is_rule(body: &str, marker: u8) -> bool {
    body.bytes().all(|b| b == marker || b == b' ' || b == b'\t')
        && body.bytes().filter(|&b| b == marker).count() >= 3
}

pub(super) fn run(text: &str, byte: u8) -> usize {
    text.bytes().take_while(|&b| b == byte).count()
}

fn next_column(column: usize, byte: u8) -> usize {
    if byte == b'\t' {
        column / 4 * 4 + 4
    } else {
        column + 1
    }
}

pub(super) fn indent(line: &str) -> (usize, &str) {
    let body = line.trim_start_matches([' ', '\t']);
    let white = &line[..line.len() - body.len()];
    (white.bytes().fold(0, next_column), body)
}
