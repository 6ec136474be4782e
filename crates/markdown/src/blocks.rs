//! Cuts a text into top-level blocks, line by line.
//!
//! A block that was cut off can no longer change, whatever text comes later: that is what lets a
//! message be sent while it is written. Only whole lines are looked at and each only once, so the
//! cuts depend on the text alone, not on how it arrived. [`crate::render()`] cuts in the same way,
//! so a streamed message and the same message from the database are the same HTML.
//!
//! Where CommonMark is ambiguous for a reader of single lines (a list item that turns out to hold
//! the next paragraph), the block simply stays open: a block may hold several of CommonMark's.

use std::ops::Range;

/// A piece of the text that is rendered on its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block {
    /// Where in the text, with the blank line that ended it.
    pub(crate) range: Range<usize>,
    pub(crate) kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Markdown,
    Code(Fence),
    /// From a line `$$` (or `\[`) to a line that ends with `$$` (or `\]`).
    Math,
}

/// A fenced code block at the top level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fence {
    pub(crate) marker: u8,
    pub(crate) len: usize,
    /// Spaces before the opening fence, as many of which are taken off each line of code.
    pub(crate) indent: usize,
    /// The line of the opening fence, without its line end.
    pub(crate) head: Range<usize>,
    /// Where in the text the code is; while the block is open, its end is where it starts.
    pub(crate) body: Range<usize>,
}

impl Fence {
    /// What follows the opening fence on its line, which starts with the language.
    pub(crate) fn info<'t>(&self, text: &'t str) -> &'t str {
        text[self.head.clone()].trim_start_matches([' ', self.marker as char])
    }

    fn closes(&self, line: &str) -> bool {
        let (indent, body) = indent(line);
        let count = run(body, self.marker);
        indent < 4 && count >= self.len && body[count..].trim().is_empty()
    }
}

/// What the open block is.
#[derive(Debug, Clone, Default)]
pub(crate) enum Open {
    #[default]
    Nothing,
    /// A paragraph, a table, raw HTML: whatever ends at a blank line. Tells whether a `$$` is open.
    Flow {
        dollars: bool,
    },
    Quote,
    /// `content` is the column where the last item's text starts.
    List {
        content: usize,
        blank: bool,
    },
    Indented,
    Fence(Fence),
    Math {
        close: &'static str,
    },
}

/// The state between two lines.
#[derive(Debug, Clone, Default)]
pub(crate) struct Splitter {
    open: Open,
    start: usize,
}

impl Splitter {
    /// The block that is not finished.
    pub(crate) fn open(&self) -> &Open {
        &self.open
    }

    /// Where in the text the unfinished part starts.
    pub(crate) fn start(&self) -> usize {
        self.start
    }

    /// Takes the next whole line of `text`, with its line end, and appends what it finishes.
    pub(crate) fn line(&mut self, text: &str, at: Range<usize>, done: &mut Vec<Block>) {
        let line = &text[at.clone()];
        match &self.open {
            Open::Fence(fence) => {
                if fence.closes(line) {
                    self.cut(at.end, at.start, done);
                }
                return;
            }
            Open::Math { close } => {
                let ends = line.trim_end().ends_with(close);
                if ends {
                    self.cut(at.end, at.end, done);
                    return;
                }
                if !matches!(
                    start_of(line).1,
                    Start::Blank | Start::Fence { .. } | Start::Heading
                ) {
                    return;
                }
                // Math does not go on over these: it was none.
                self.open = Open::Flow { dollars: true };
            }
            _ => {}
        }
        let (indent, start) = start_of(line);
        if self.goes_on(indent, &start) {
            self.keep(line, &start, at.end, done);
        } else {
            self.cut(at.start, at.start, done);
            self.begin(line, &start, at, done);
        }
    }

    /// The text is complete: what is open is finished as it is.
    pub(crate) fn finish(&mut self, end: usize, done: &mut Vec<Block>) {
        if let Open::Math { .. } = self.open {
            self.open = Open::Flow { dollars: true };
        }
        self.cut(end, end, done);
    }

    /// Whether a line belongs to the block that is open.
    fn goes_on(&self, indent: usize, start: &Start) -> bool {
        match (&self.open, start) {
            (Open::Nothing, Start::Blank) => true,
            (Open::Nothing, _) => false,
            (_, Start::Blank) => true,
            (Open::List { content, .. }, _) if indent >= *content => true,
            (Open::List { .. }, Start::Item { .. }) => true,
            (Open::List { blank, .. }, Start::Text | Start::Math { .. } | Start::Underline) => {
                !blank
            }
            (Open::Quote, Start::Quote | Start::Math { .. }) => true,
            (Open::Flow { dollars }, Start::Math { .. }) => *dollars,
            (Open::Flow { .. } | Open::Quote, Start::Item { interrupts, .. }) => !interrupts,
            (Open::Flow { .. }, Start::Rule { dashes }) => *dashes,
            (Open::Flow { .. } | Open::Quote, Start::Text | Start::Underline) => true,
            (Open::Indented, _) => indent >= 4,
            _ => false,
        }
    }

    /// Adds a line to the open block, which may end with it.
    fn keep(&mut self, line: &str, start: &Start, end: usize, done: &mut Vec<Block>) {
        match (&mut self.open, start) {
            (Open::Nothing, _) => self.start = end,
            (Open::Flow { .. } | Open::Quote, Start::Blank) => self.cut(end, end, done),
            // The line makes the paragraph a heading.
            (Open::Flow { .. }, Start::Rule { .. } | Start::Underline) => self.cut(end, end, done),
            (Open::Flow { dollars }, _) => *dollars ^= line.matches("$$").count() % 2 == 1,
            (Open::List { blank, .. }, Start::Blank) => *blank = true,
            (Open::List { content, blank }, start) => {
                *blank = false;
                if let Start::Item {
                    content: new,
                    indent,
                    ..
                } = start
                    && indent < content
                {
                    *content = *new;
                }
            }
            _ => {}
        }
    }

    fn begin(&mut self, line: &str, start: &Start, at: Range<usize>, done: &mut Vec<Block>) {
        self.start = at.start;
        self.open = match *start {
            Start::Blank => Open::Nothing,
            Start::Text | Start::Underline => Open::Flow {
                dollars: line.matches("$$").count() % 2 == 1,
            },
            Start::Code => Open::Indented,
            Start::Quote => Open::Quote,
            Start::Item { content, .. } => Open::List {
                content,
                blank: false,
            },
            Start::Math { close } => Open::Math { close },
            Start::Fence {
                marker,
                len,
                indent,
            } => Open::Fence(Fence {
                marker,
                len,
                indent,
                head: at.start..at.start + line.trim_end().len(),
                body: at.end..at.end,
            }),
            Start::Heading | Start::Rule { .. } => {
                self.open = Open::Flow { dollars: false };
                self.cut(at.end, at.end, done);
                return;
            }
        };
    }

    /// Finishes the open block at `end`; if it is code, the code ends at `body_end`.
    fn cut(&mut self, end: usize, body_end: usize, done: &mut Vec<Block>) {
        let range = self.start..end;
        self.start = end;
        let kind = match std::mem::take(&mut self.open) {
            Open::Nothing if range.is_empty() => return,
            Open::Fence(mut fence) => {
                fence.body.end = body_end.max(fence.body.start);
                Kind::Code(fence)
            }
            Open::Math { .. } => Kind::Math,
            _ => Kind::Markdown,
        };
        done.push(Block { range, kind });
    }
}

/// All blocks of a whole text.
pub(crate) fn split(text: &str) -> Vec<Block> {
    let mut splitter = Splitter::default();
    let mut done = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        splitter.line(text, at..at + line.len(), &mut done);
        at += line.len();
    }
    splitter.finish(text.len(), &mut done);
    done
}

/// What a line could start, if nothing that is open takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Start {
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
    },
    Math {
        close: &'static str,
    },
    Code,
    Text,
}

/// The columns of white space that `line` starts with, and what it starts.
fn start_of(line: &str) -> (usize, Start) {
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
    }
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

fn run(text: &str, byte: u8) -> usize {
    text.bytes().take_while(|&b| b == byte).count()
}

fn next_column(column: usize, byte: u8) -> usize {
    if byte == b'\t' {
        column / 4 * 4 + 4
    } else {
        column + 1
    }
}

fn indent(line: &str) -> (usize, &str) {
    let body = line.trim_start_matches([' ', '\t']);
    let white = &line[..line.len() - body.len()];
    (white.bytes().fold(0, next_column), body)
}
