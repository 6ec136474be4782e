//! From text to HTML: cut into blocks, write each, sanitise what was written.

use std::borrow::Cow;

use pulldown_cmark::Options;

use crate::blocks::{Block, Fence, Kind, split};
use crate::code::{Colours, RAW_FRAME, frame, has_colours, push_code, push_unindented};
use crate::events::write_markdown;
use crate::html::Html;
use crate::math::{Mode, push_math};
use crate::mend::mend;
use crate::references::References;
use crate::source::normalise;

/// The longest block, in bytes, that is parsed as Markdown (a fenced block may be of any length). A
/// longer one, such as a list of 10 000 items, is shown as preformatted text.
pub const MAX_BLOCK: usize = 64 * 1024;

/// How deep a block may nest, counting quotes, lists, items and inline elements alike. A deeper one
/// is shown as preformatted text: parsers of HTML, a browser's too, are quadratic in the depth.
pub const MAX_DEPTH: usize = 40;

/// The extensions of CommonMark in use.
pub(crate) const OPTIONS: Options = Options::ENABLE_TABLES
    .union(Options::ENABLE_STRIKETHROUGH)
    .union(Options::ENABLE_TASKLISTS)
    .union(Options::ENABLE_MATH);

/// Renders a whole message, for example from the database.
///
/// Takes time in about proportion to the length of `source`, and never fails: what is over a limit
/// (see the crate's documentation) is shown as preformatted text.
pub fn render(source: &str) -> Html {
    let text = normalise(source);
    let blocks = split(&text);
    let mut references = References::default();
    for block in &blocks {
        collect_references(&text, block, &mut references);
    }
    let mut html = Html::default();
    for block in &blocks {
        html.push(&render_block(&text, block, &mut references));
    }
    html
}

/// Takes up the link definitions of a finished block, for the blocks after it.
pub(crate) fn collect_references(text: &str, block: &Block, references: &mut References) {
    if block.kind == Kind::Markdown && block.range.len() <= MAX_BLOCK {
        references.collect(&text[block.range.clone()]);
    }
}

/// Renders a block that cannot change any more.
pub(crate) fn render_block(text: &str, block: &Block, references: &mut References) -> Html {
    let source = &text[block.range.clone()];
    match &block.kind {
        Kind::Markdown if source.trim().is_empty() => Html::default(),
        Kind::Markdown => markdown(source, references, Colours::On),
        Kind::Code(fence) => fenced(text, fence, Colours::On),
        Kind::Math => math_block(source),
    }
}

/// Renders the last, unfinished block, as if it ended here and what is open in it were closed.
pub(crate) fn render_open(source: &str, references: &References) -> Html {
    if source.trim().is_empty() {
        return Html::default();
    }
    // A copy: what is shown for a moment must not use up what the finished blocks may use.
    let mut references = references.clone();
    let mended = mend(source, &mut references);
    markdown(&mended, &mut references, Colours::Off)
}

/// Renders a fenced block that is still open, with the code so far.
pub(crate) fn render_open_code(text: &str, fence: &Fence) -> Html {
    fenced(text, fence, Colours::Off)
}

/// Renders text that is too much to parse.
pub(crate) fn render_raw(text: &str) -> Html {
    Html::from_frame(RAW_FRAME, text)
}

fn markdown(source: &str, references: &mut References, colours: Colours) -> Html {
    let written = (source.len() <= MAX_BLOCK).then(|| write_markdown(source, references, colours));
    match written {
        Some(Ok(html)) => Html::from_unsafe(&html),
        _ => render_raw(source.trim_end()),
    }
}

fn fenced(text: &str, fence: &Fence, colours: Colours) -> Html {
    let info = fence.info(text);
    let mut code = Cow::Borrowed(&text[fence.body.clone()]);
    if fence.indent > 0 {
        let mut unindented = String::with_capacity(code.len());
        push_unindented(&mut unindented, &code, fence.indent, true);
        code = Cow::Owned(unindented);
    }
    if colours == Colours::Off || !has_colours(info, &code) {
        return Html::from_frame(&frame(info), &code);
    }
    let mut out = String::new();
    push_code(&mut out, info, &code, colours);
    Html::from_unsafe(&out)
}

/// The lines between `$$` and `$$` (or `\[` and `\]`).
fn math_block(source: &str) -> Html {
    let source = source.trim();
    let inner = source
        .get(2..source.len().saturating_sub(2))
        .unwrap_or_default();
    let mut out = String::from("<p>");
    push_math(&mut out, inner, Mode::Display);
    out.push_str("</p>\n");
    Html::from_unsafe(&out)
}
