//! Closes what is open at the end of a text that is still being written, so that a reader does not
//! see half a link, stray asterisks, or a paragraph that is a heading for a moment.
//!
//! What is written here is shown for a moment only. A wrong guess is no harm: the block is rendered
//! from its own text once it is finished.

use std::borrow::Cow;
use std::ops::Range;

use pulldown_cmark::{Event, Parser, Tag, TagEnd};

use crate::references::References;
use crate::render::{MAX_BLOCK, OPTIONS};

/// `source` as if it were complete.
pub(crate) fn mend<'s>(source: &'s str, references: &mut References) -> Cow<'s, str> {
    let source = without_marker_line(source);
    if source.len() > MAX_BLOCK {
        return Cow::Borrowed(source);
    }
    if let Some(table) = as_table(source) {
        return Cow::Owned(table);
    }
    let leaf = last_leaf(source, references);
    if leaf.end < source.trim_end().len() {
        return Cow::Borrowed(source);
    }
    let mut edit = Edit::new(source);
    for text in &leaf.texts {
        if !edit.scan(text.clone()) {
            break;
        }
    }
    edit.apply()
}

/// Without the last line, if all of it that came yet says nothing: a bullet, an underline that would
/// make a heading of the paragraph above, the start of a fence.
fn without_marker_line(source: &str) -> &str {
    let start = source.rfind('\n').map_or(0, |at| at + 1);
    if says_nothing(source[start..].trim()) {
        &source[..start]
    } else {
        source
    }
}

fn says_nothing(line: &str) -> bool {
    if line.is_empty() {
        return false;
    }
    if line.bytes().all(|b| b" -=#*+~`|_:>$\t".contains(&b)) {
        return true;
    }
    if line.starts_with("```") || line.starts_with("~~~") {
        return !line[3..].trim_start_matches(['`', '~']).contains('`');
    }
    if let Some(task) = line.strip_prefix(['-', '*', '+']) {
        return matches!(
            task.trim(),
            "[" | "[x" | "[X" | "[]" | "[ ]" | "[x]" | "[X]"
        );
    }
    line.strip_suffix(['.', ')'])
        .is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}

/// The first line of a table, with the second one that it will have.
fn as_table(source: &str) -> Option<String> {
    let line = source.trim();
    let cells = line.strip_prefix('|')?;
    if cells.is_empty() || line.contains('\n') {
        return None;
    }
    let inner = cells.strip_suffix('|').unwrap_or(cells).as_bytes();
    let bars = (1..inner.len())
        .filter(|&i| inner[i] == b'|' && inner[i - 1] != b'\\')
        .count();
    Some(format!("{line}\n|{}", "---|".repeat(bars + 1)))
}

/// The last paragraph, heading, table cell or item.
#[derive(Default)]
struct Leaf {
    /// Its text that is in no other inline element, where delimiters that match nothing are left.
    texts: Vec<Range<usize>>,
    /// Where its last inline element ends.
    end: usize,
}

fn last_leaf(source: &str, references: &mut References) -> Leaf {
    let mut leaf = Leaf::default();
    // Whether the next inline element is the first of another leaf.
    let mut fresh = false;
    let mut depth = 0_usize;
    let mut verbatim = false;
    let resolve = |link| references.resolve(&link);
    let parser = Parser::new_with_broken_link_callback(source, OPTIONS, Some(resolve));
    for (event, range) in parser.into_offset_iter() {
        match &event {
            Event::Start(tag) if is_inline(&tag.to_end()) => depth += 1,
            Event::End(tag) if is_inline(tag) => depth -= 1,
            Event::Start(tag) => {
                fresh = true;
                verbatim = matches!(tag, Tag::CodeBlock(_) | Tag::HtmlBlock);
                continue;
            }
            Event::End(_) | Event::Rule => continue,
            _ => {}
        }
        if std::mem::take(&mut fresh) {
            leaf = Leaf::default();
        }
        if verbatim {
            continue;
        }
        leaf.end = range.end;
        if depth == 0 && matches!(event, Event::Text(_)) {
            // Delimiters come one by one; together they are a run again.
            match leaf.texts.last_mut() {
                Some(last) if last.end == range.start => last.end = range.end,
                _ => leaf.texts.push(range),
            }
        }
    }
    leaf
}

fn is_inline(tag: &TagEnd) -> bool {
    use TagEnd::{Emphasis, Image, Link, Strikethrough, Strong};
    matches!(tag, Emphasis | Strong | Strikethrough | Link | Image)
}

/// What to change at the end of the text.
struct Edit<'s> {
    source: &'s str,
    /// Where the text is cut off.
    end: usize,
    /// What is open, to be closed in reverse.
    open: Vec<&'s str>,
    /// Where `[` of an unfinished link is.
    bracket: Option<usize>,
    link: bool,
}

impl<'s> Edit<'s> {
    fn new(source: &'s str) -> Self {
        let end = source.trim_end().len();
        Self {
            source,
            end,
            open: Vec::new(),
            bracket: None,
            link: false,
        }
    }

    /// Looks for unmatched delimiters; returns whether what follows is still text.
    fn scan(&mut self, text: Range<usize>) -> bool {
        let bytes = self.source.as_bytes();
        let mut at = text.start;
        // A text starts after the backslash that escapes its first character.
        if at > 0 && bytes[at - 1] == b'\\' {
            at += 1;
        }
        while at < text.end.min(self.end) {
            let byte = bytes[at];
            let run = bytes[at..text.end.min(self.end)]
                .iter()
                .take_while(|&&b| b == byte)
                .count();
            let after = at + run;
            match byte {
                b'*' | b'_' | b'~' | b'`' if after == self.end => {
                    // Whether it opens or closes is not to be known yet.
                    self.end = at;
                    return false;
                }
                b'`' => {
                    self.code(at, run);
                    return false;
                }
                b'*' | b'_' | b'~' if self.opens(at, after) => {
                    self.open.push(&self.source[at..after.min(at + 3)]);
                }
                b'$' if run > 1 => return false,
                b'[' => self.bracket = Some(after - 1),
                b']' if self.starts_address(after - 1) => return false,
                _ => {}
            }
            at = after;
        }
        true
    }

    /// Whether the run of delimiters at `at..after` can open an element.
    fn opens(&self, at: usize, after: usize) -> bool {
        let before = self.source[..at].chars().next_back().unwrap_or(' ');
        let next = self.source[after..].chars().next().unwrap_or(' ');
        let mark = |c: char| c.is_ascii_punctuation();
        let left = !next.is_whitespace() && (!mark(next) || before.is_whitespace() || mark(before));
        match self.source.as_bytes()[at] {
            b'_' => left && !before.is_alphanumeric(),
            b'~' => left && after - at == 2,
            _ => left,
        }
    }

    /// A code span that is open goes on to the end.
    fn code(&mut self, at: usize, run: usize) {
        let text = self.source[at + run..self.end].trim_end_matches('`');
        self.end = at + run + text.len();
        self.open.push(&self.source[at..at + run]);
    }

    /// Whether `](` starts the address of a link here: of the link only its text is shown.
    fn starts_address(&mut self, at: usize) -> bool {
        let rest = &self.source[at..self.end];
        let Some(bracket) = self.bracket else {
            return false;
        };
        if !rest.starts_with("](") || rest.contains(')') {
            return false;
        }
        let image = self.source[..bracket].ends_with('!');
        self.bracket = Some(bracket - usize::from(image));
        self.end = at;
        self.link = true;
        true
    }

    fn apply(self) -> Cow<'s, str> {
        let mut text = self.source[..self.end].trim_end();
        let backslashes = text.len() - text.trim_end_matches('\\').len();
        if backslashes % 2 == 1 {
            text = &text[..text.len() - 1];
        }
        let mut out = String::with_capacity(text.len() + 8);
        match self.bracket {
            Some(bracket) if self.link && bracket < text.len() => {
                out.push_str(&text[..bracket]);
                out.push_str(
                    text[bracket..]
                        .trim_start_matches('!')
                        .trim_start_matches('['),
                );
            }
            _ => out.push_str(text),
        }
        for delimiter in self.open.iter().rev() {
            out.push_str(delimiter);
        }
        Cow::Owned(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mended(source: &str) -> String {
        mend(source, &mut References::default()).into_owned()
    }

    #[test]
    fn what_is_open_is_closed() {
        for (open, closed) in [
            ("a **bold", "a **bold**"),
            ("a **bold ", "a **bold**"),
            ("a **bold*", "a **bold**"),
            ("a **bold *and it", "a **bold *and it***"),
            ("~~gone", "~~gone~~"),
            ("a `code", "a `code`"),
            ("a ``co`de`", "a ``co`de``"),
            ("**see `x", "**see `x`**"),
            ("- one\n- *two", "- one\n- *two*"),
            (
                "| a | b |\n|---|---|\n| **x",
                "| a | b |\n|---|---|\n| **x**",
            ),
            ("a [text](http://exam", "a text"),
            ("a [te*xt*](http://exam", "a te*xt*"),
            ("![alt](http://exam", "alt"),
            ("| Na", "| Na\n|---|"),
            ("| Name | V |\n|-", "| Name | V |\n|---|---|"),
        ] {
            assert_eq!(mended(open), closed, "{open}");
        }
    }

    #[test]
    fn what_is_not_known_yet_is_not_shown() {
        for (open, shown) in [
            ("text\n-", "text"),
            ("text\n==", "text"),
            ("text\n```ru", "text"),
            ("- a\n- [ ", "- a"),
            ("a\n1.", "a"),
            ("text **", "text"),
            ("text `", "text"),
            ("text\\", "text"),
        ] {
            assert_eq!(mended(open), shown, "{open}");
        }
    }

    #[test]
    fn what_is_text_stays_text() {
        for text in [
            "2 * 3",
            "snake_case_name",
            "**done** text",
            "`code` text",
            "[a] and [b",
            "\\*not",
            "costs $5",
            "[a](b c) d",
            "- ```\n  **code",
            "    **code",
            "$$x_{1} *a",
            "a\\\\",
        ] {
            assert_eq!(mended(text), text, "{text}");
        }
    }
}
