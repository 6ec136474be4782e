//! Cuts a text into top-level blocks, line by line.
//!
//! A block that was cut off can no longer change, whatever text comes later: that is what lets a
//! message be sent while it is written. Only whole lines are looked at and each only once, so the
//! cuts depend on the text alone, not on how it arrived. [`crate::render()`] cuts in the same way,
//! so a streamed message and the same message from the database are the same HTML.
//!
//! Where CommonMark is ambiguous for a reader of single lines (a list item that turns out to hold
//! the next paragraph), the block simply stays open: a block may hold several of CommonMark's.

mod lines;

use std::ops::Range;

use lines::{Start, has_quoted_text, indent, run, start_of};

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
    /// Tells whether text may go on without the mark.
    Quote {
        text: bool,
    },
    /// `content` is the column where the last item's text starts; `blank` tells that only lines that
    /// are indented to it, or other items, go on.
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
        use Start::{Blank, Code, Item, Math, Quote, Rule, Text, Underline};
        match (&self.open, start) {
            (Open::Nothing, start) => *start == Blank,
            (_, Blank) => true,
            (Open::Indented, _) => indent >= 4,
            (Open::List { content, .. }, _) if indent >= *content => true,
            (Open::List { .. }, Item { .. }) => true,
            (Open::List { blank, .. }, Text | Code | Math { .. } | Underline) => !blank,
            (Open::Quote { .. }, Quote) => true,
            (Open::Quote { text }, Text | Code | Underline | Math { .. }) => *text,
            (
                Open::Quote { text },
                Item {
                    interrupts, empty, ..
                },
            ) => *text && !interrupts && !empty,
            (Open::Flow { dollars }, Math { .. }) => *dollars,
            (Open::Flow { .. }, Rule { dashes }) => *dashes,
            (Open::Flow { .. }, Item { interrupts, .. }) => !interrupts,
            (Open::Flow { .. }, Text | Code | Underline) => true,
            _ => false,
        }
    }

    /// Adds a line to the open block, which may end with it.
    fn keep(&mut self, line: &str, start: &Start, end: usize, done: &mut Vec<Block>) {
        match (&mut self.open, start) {
            (Open::Nothing, _) => self.start = end,
            (Open::Flow { .. } | Open::Quote { .. }, Start::Blank) => self.cut(end, end, done),
            (Open::Flow { dollars }, _) => {
                *dollars ^= line.matches("$$").count() % 2 == 1;
                // The line makes the paragraph a heading.
                let dashes = *start != Start::Code && line.trim().bytes().all(|b| b == b'-');
                if dashes || *start == Start::Underline {
                    self.cut(end, end, done);
                }
            }
            (Open::Quote { text }, Start::Quote) => *text = has_quoted_text(line),
            (Open::List { blank, .. }, Start::Blank) => *blank = true,
            (Open::List { content, blank }, start) => {
                *blank = matches!(start, Start::Item { empty: true, .. });
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
            Start::Quote => Open::Quote {
                text: has_quoted_text(line),
            },
            Start::Item { content, empty, .. } => Open::List {
                content,
                blank: empty,
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

#[cfg(test)]
mod tests;
