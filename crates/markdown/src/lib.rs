//! Markdown to safe HTML: the one renderer and the one sanitiser of the product.
//!
//! Everything that a person or a model wrote is hostile. A text is cut into top-level blocks
//! (`blocks`), each block is parsed and written as HTML (`render`, `events`), and the last thing that
//! happens to any markup is the sanitiser (`sanitise`).
//!
//! | call | for |
//! | --- | --- |
//! | [`render()`] | a whole message, for example from the database |
//! | [`Incremental`] | a message that is still being written |
//! | [`escape`] | plain text that a person wrote, shown as it is |
//!
//! # The dialect
//!
//! CommonMark with tables, strikethrough, task lists, and math between `$` and `$$` (as MathML).
//! It departs from CommonMark where a chat needs it to:
//!
//! - Raw HTML is shown as text.
//! - Links are kept for `http`, `https` and `mailto`; of any other link only its text is left.
//! - Images are never loaded, since fetching one tells its server who reads: they become links.
//! - Headings start at `h3`, for the page has its own `h1` and `h2`. There are no ids.
//! - A fence, a heading or a list item on its own line always wins over an open raw HTML block,
//!   and a raw HTML block ends at a blank line. So an unclosed `<script>` cannot swallow a message.
//! - Lines that are just `$$` open and close a block of math whose lines are not Markdown.
//! - No footnotes: their definitions come last, and a block that was sent is never sent again.
//!
//! # Limits
//!
//! A block (other than a fenced one) over [`MAX_BLOCK`] bytes, nested deeper than [`MAX_DEPTH`],
//! or whose HTML would be out of proportion to its text, is shown as escaped preformatted text. So
//! the work for a text grows about linearly with its length, and nothing recurses.
//!
//! # CSS classes
//!
//! `code-block`, `code-head`, `code-lang`, `code-copy`, `table-scroll`, `align-left`,
//! `align-center`, `align-right`, `raw` (raw HTML shown as text, and blocks over a limit),
//! `task-box` with `task-done` or `task-open`, `image-link`, `math-source` (math that could not be
//! parsed), `menv-…` and `cell-…` (alignment in MathML tables), and the token classes
//! `tok-comment`, `tok-string`, `tok-number`, `tok-keyword`, `tok-constant`, `tok-type`,
//! `tok-function`, `tok-variable`, `tok-property`, `tok-tag`, `tok-attribute`, `tok-meta`,
//! `tok-inserted`, `tok-deleted`.

mod blocks;
mod code;
mod dollars;
mod events;
mod highlight;
mod html;
mod incremental;
mod math;
mod mend;
mod references;
mod render;
mod sanitise;
mod source;

pub use html::{Html, escape};
pub use incremental::{Incremental, Patch, Snapshot, Tail};
pub use render::{MAX_BLOCK, MAX_DEPTH, render};
