//! A message that is still being written.

use serde::{Deserialize, Serialize};

use crate::blocks::{Block, Fence, Open, Splitter};
use crate::code::push_unindented;
use crate::references::References;
use crate::render::{
    MAX_BLOCK, collect_references, render_block, render_open, render_open_code, render_raw,
};
use crate::source::Source;

/// Up to here the tail is rendered anew for whatever is added to it, in bytes. Above, it is rendered
/// [`STEPS`] times for each doubling, so that the work for a long list stays linear: at 4 KiB it is
/// behind by less than 128 bytes, at 16 KiB by less than 512.
const EAGER_TAIL: usize = 2048;
const STEPS: usize = 32;

/// The longest tail that is parsed, in bytes. A longer one is shown as it was written, and grows by
/// [`Tail::AppendCode`], until the block is finished.
const MAX_TAIL: usize = MAX_BLOCK / 2;

/// What a reader does who has everything up to now: append `blocks` (HTML) after the blocks it has,
/// then do with its tail what `tail` says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patch {
    /// HTML of the blocks that are finished by this. They never change again.
    pub blocks: String,
    /// What happens to the tail.
    pub tail: Tail,
}

impl Patch {
    /// Whether a reader has nothing to do.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty() && self.tail == Tail::Keep
    }
}

/// What happens to the tail: the HTML after the finished blocks, which is of the block that is still
/// being written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "do", content = "value")]
pub enum Tail {
    /// It stays as it is.
    #[default]
    Keep,
    /// It is replaced by this HTML, which may be empty.
    Replace(String),
    /// This is *text*, not HTML: it is to be added as a text node at the end of the last `<code>`
    /// element in the tail. So a long code block costs what is new in it.
    AppendCode(String),
    /// This is *text*, not HTML: it is to be added to the last text node of the tail that is not
    /// only white space. So prose too costs what is new in it, as long as it is plain.
    AppendProse(String),
}

/// Everything so far, for a reader that has nothing yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// HTML of the finished blocks.
    pub blocks: String,
    /// HTML of the block that is still being written.
    pub tail: String,
}

/// Renders a message while it is written.
///
/// What it gives depends on the text alone, not on how it was cut: after any pushes that make up a
/// text, a reader that did what each [`Patch`] says has the document of [`Incremental::snapshot`],
/// and after [`Incremental::finish`] all `blocks` together are [`crate::render()`] of the text. One
/// exception: a link whose definition (`[label]: address`) comes in a *later* block stays text here,
/// since a finished block is never sent again.
///
/// The work for a whole message is in about linear proportion to its text. Code is coloured once
/// its block is finished. Memory is the text and its HTML.
#[derive(Debug, Clone, Default)]
pub struct Incremental {
    source: Source,
    /// Everything before it is in whole lines that the splitter has seen.
    scanned: usize,
    /// No line ends between `scanned` and here.
    searched: usize,
    splitter: Splitter,
    references: References,
    blocks: String,
    shown: Shown,
    finished: bool,
}

/// What the reader has as the tail.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum Shown {
    #[default]
    Nothing,
    /// The text up to `end`, as this HTML.
    Markdown {
        start: usize,
        end: usize,
        html: String,
    },
    /// The text up to `end` in the last `<code>`.
    Text { start: usize, end: usize, raw: bool },
}

impl Incremental {
    /// An empty message.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds text and tells what changed for a reader that has everything up to now. After
    /// [`Incremental::finish`] it does nothing.
    pub fn push(&mut self, text: &str) -> Patch {
        if self.finished || text.is_empty() {
            return Patch::default();
        }
        self.source.push(text);
        let mut done = Vec::new();
        let clean = self.source.clean();
        while let Some(at) = clean[self.searched..].find('\n') {
            self.searched += at + 1;
            self.splitter
                .line(clean, self.scanned..self.searched, &mut done);
            self.scanned = self.searched;
        }
        self.searched = clean.len();
        let blocks = self.finish_blocks(&done);
        Patch {
            blocks,
            tail: self.update_tail(),
        }
    }

    /// The text is complete: the tail becomes finished blocks.
    pub fn finish(&mut self) -> Patch {
        if self.finished {
            return Patch::default();
        }
        self.finished = true;
        self.source.finish();
        let mut done = Vec::new();
        let clean = self.source.clean();
        if self.scanned < clean.len() {
            self.splitter
                .line(clean, self.scanned..clean.len(), &mut done);
        }
        self.splitter.finish(clean.len(), &mut done);
        let blocks = self.finish_blocks(&done);
        Patch {
            blocks,
            tail: self.update_tail(),
        }
    }

    /// Everything so far as one page fragment.
    pub fn snapshot(&self) -> Snapshot {
        let tail = match self.visible() {
            Visible::Nothing => String::new(),
            Visible::Markdown { start, end } => self.markdown_html(start, end),
            Visible::Code { fence, end } => self.code_html(fence, end),
            Visible::Raw { start } => render_raw(&self.source.clean()[start..]).into_string(),
        };
        Snapshot {
            blocks: self.blocks.clone(),
            tail,
        }
    }

    /// The text so far, byte for byte.
    pub fn text(&self) -> &str {
        self.source.raw()
    }

    fn finish_blocks(&mut self, done: &[Block]) -> String {
        let mut html = String::new();
        for block in done {
            collect_references(self.source.clean(), block, &mut self.references);
            let block = render_block(self.source.clean(), block, &mut self.references);
            html.push_str(block.as_str());
        }
        self.blocks.push_str(&html);
        html
    }

    /// What of the unfinished part is to be seen; depends on the text alone.
    fn visible(&self) -> Visible<'_> {
        let text = self.source.clean();
        let start = self.splitter.start();
        let length = text.len() - start;
        match self.splitter.open() {
            _ if length == 0 || self.finished => Visible::Nothing,
            Open::Fence(fence) => Visible::Code {
                fence,
                end: self.code_end(fence),
            },
            _ if length > MAX_TAIL => Visible::Raw { start },
            _ => {
                let step = match length.checked_ilog2() {
                    Some(log) if length > EAGER_TAIL => (1 << log) / STEPS,
                    _ => 1,
                };
                let end = text.floor_char_boundary(start + length / step * step);
                Visible::Markdown { start, end }
            }
        }
    }

    /// Where the code ends that is certainly code: a last line that may become the closing fence, or
    /// whose indentation is not known yet, waits.
    fn code_end(&self, fence: &Fence) -> usize {
        let text = self.source.clean();
        let line = self.scanned.max(fence.body.start);
        let undecided = text[line..]
            .chars()
            .all(|c| matches!(c, ' ' | '\t') || c == fence.marker as char);
        if undecided { line } else { text.len() }
    }

    fn markdown_html(&self, start: usize, end: usize) -> String {
        render_open(&self.source.clean()[start..end], &self.references).into_string()
    }

    fn code_html(&self, fence: &Fence, end: usize) -> String {
        let mut fence = fence.clone();
        fence.body.end = end;
        render_open_code(self.source.clean(), &fence).into_string()
    }

    /// Brings what the reader has to what is visible now.
    fn update_tail(&mut self) -> Tail {
        let (now, tail) = match self.visible() {
            Visible::Nothing => (Shown::Nothing, self.replace(String::new())),
            Visible::Markdown { start, end } => match &self.shown {
                Shown::Markdown {
                    start: s, end: e, ..
                } if (*s, *e) == (start, end) => return Tail::Keep,
                _ => {
                    let html = self.markdown_html(start, end);
                    let tail = self.replace(html.clone());
                    (Shown::Markdown { start, end, html }, tail)
                }
            },
            Visible::Code { fence, end } => {
                let start = fence.body.start;
                let now = Shown::Text {
                    start,
                    end,
                    raw: false,
                };
                match self.shown {
                    Shown::Text {
                        start: s,
                        end: e,
                        raw: false,
                    } if s == start => (now, self.append(e, end, fence.indent, e == start)),
                    _ => (now, Tail::Replace(self.code_html(fence, end))),
                }
            }
            Visible::Raw { start } => {
                let text = self.source.clean();
                let now = Shown::Text {
                    start,
                    end: text.len(),
                    raw: true,
                };
                match self.shown {
                    Shown::Text {
                        start: s,
                        end: e,
                        raw: true,
                    } if s == start => (now, self.append(e, text.len(), 0, false)),
                    _ => (now, Tail::Replace(render_raw(&text[start..]).into_string())),
                }
            }
        };
        self.shown = now;
        tail
    }

    fn replace(&self, html: String) -> Tail {
        match &self.shown {
            Shown::Nothing if html.is_empty() => Tail::Keep,
            Shown::Markdown { html: old, .. } if *old == html => Tail::Keep,
            Shown::Markdown { html: old, .. } => match added_text(old, &html) {
                Some(text) => Tail::AppendProse(text),
                None => Tail::Replace(html),
            },
            _ => Tail::Replace(html),
        }
    }

    fn append(&self, from: usize, to: usize, indent: usize, first: bool) -> Tail {
        let text = self.source.clean();
        if from >= to {
            return Tail::Keep;
        }
        let line_start = first || text[..from].ends_with('\n');
        let mut new = String::with_capacity(to - from);
        push_unindented(&mut new, &text[from..to], indent, line_start);
        if new.is_empty() {
            Tail::Keep
        } else {
            Tail::AppendCode(new)
        }
    }
}

/// The text by which `new` is longer than `old`, where nothing else changed and it stands at the
/// end of the last text in `old`. Both are HTML from the sanitiser, which escapes `<` and `>` in
/// text, so that these two are always part of a tag.
fn added_text(old: &str, new: &str) -> Option<String> {
    let mut end = old.len();
    while let Some(tag) = last_tag(&old[..end]).filter(|&tag| old[tag..].starts_with("</")) {
        end = tag;
    }
    let (begin, tags) = old.split_at(end);
    let text = &begin[begin.rfind('>').map_or(0, |at| at + 1)..];
    if text.trim().is_empty() {
        return None;
    }
    let added = new.strip_prefix(begin)?.strip_suffix(tags)?;
    if added.contains('<') {
        None
    } else {
        unescape(added)
    }
}

/// Where the tag begins that `html` ends with, white space aside.
fn last_tag(html: &str) -> Option<usize> {
    html.trim_end().strip_suffix('>')?.rfind('<')
}

/// Undoes what the sanitiser's serialiser does to text
/// (<https://html.spec.whatwg.org/multipage/parsing.html#escapingString>).
fn unescape(html: &str) -> Option<String> {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find('&') {
        text.push_str(&rest[..at]);
        let (escaped, plain) = [
            ("&amp;", '&'),
            ("&lt;", '<'),
            ("&gt;", '>'),
            ("&nbsp;", '\u{a0}'),
        ]
        .into_iter()
        .find(|(escaped, _)| rest[at..].starts_with(escaped))?;
        text.push(plain);
        rest = &rest[at + escaped.len()..];
    }
    text.push_str(rest);
    Some(text)
}

/// See [`Incremental::visible`].
enum Visible<'a> {
    Nothing,
    Markdown { start: usize, end: usize },
    Code { fence: &'a Fence, end: usize },
    Raw { start: usize },
}

#[cfg(test)]
mod tests {
    use super::added_text;

    #[test]
    fn only_text_at_the_end_is_added() {
        let added = |old, new| added_text(old, new);
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(added("<p>a</p>\n", "<p>a b</p>\n"), some(" b"));
        assert_eq!(
            added("<ul>\n<li>a</li>\n</ul>\n", "<ul>\n<li>ab</li>\n</ul>\n"),
            some("b")
        );
        assert_eq!(
            added("<p>a <em>b</em></p>", "<p>a <em>b c</em></p>"),
            some(" c")
        );
        assert_eq!(
            added("<p>a</p>", "<p>a &amp;lt; &gt;&nbsp;</p>"),
            some(" &lt; >\u{a0}")
        );
        // The text would get into the element before it.
        assert_eq!(added("<p><em>b</em></p>", "<p><em>b</em> c</p>"), None);
        assert_eq!(added("<p>a<br></p>", "<p>a<br>b</p>"), None);
        assert_eq!(added("<p>a</p>", "<p>a<b>b</b></p>"), None);
        assert_eq!(added("<p>a</p>", "<p>b</p>"), None);
        assert_eq!(added("<p>ab</p>", "<p>a</p>"), None);
        assert_eq!(added("<p></p>", "<p>a</p>"), None);
        assert_eq!(added("", "<p>a</p>"), None);
    }
}
