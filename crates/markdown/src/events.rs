//! Writes the events of the Markdown parser as HTML that is then sanitised.

use std::ops::Range;

use pulldown_cmark::{
    Alignment, CodeBlockKind, CowStr, Event, HeadingLevel, LinkType, Parser, Tag, TagEnd,
};
use url::Url;

use crate::code::{Colours, push_code};
use crate::dollars::{escape_money, tex_to_dollars};
use crate::html::push_escaped;
use crate::math::{Mode, push_math};
use crate::references::References;
use crate::render::{MAX_DEPTH, OPTIONS};

/// How much longer than its source the HTML of a block may be, as a factor and in bytes. Real texts
/// stay below a tenth of it; tables of empty cells and reused link definitions would be quadratic.
const MAX_GROWTH: (usize, usize) = (32, 4096);

/// How often a block is parsed again because a dollar sign turned out to be one of money.
const MAX_PASSES: usize = 3;

/// The longest address of a link, in bytes, as browsers have it.
const MAX_ADDRESS: usize = 2048;

/// The block is over one of the limits.
#[derive(Debug)]
pub(crate) struct TooMuch;

/// Writes `source` as HTML. With [`Colours::Off`] the source is unfinished, and code at its end is
/// left without colours.
pub(crate) fn write_markdown(
    source: &str,
    references: &mut References,
    colours: Colours,
) -> Result<String, TooMuch> {
    let mut source = tex_to_dollars(source);
    for _ in 0..MAX_PASSES {
        let mut writer = Writer::new(&source, colours);
        writer.write(references)?;
        if writer.money.is_empty() {
            return Ok(writer.out);
        }
        let escaped = escape_money(&source, &writer.money);
        source = escaped.into();
    }
    let mut writer = Writer::new(&source, colours);
    writer.write(references)?;
    Ok(writer.out)
}

struct Writer<'s> {
    source: &'s str,
    out: String,
    depth: usize,
    colours: Colours,
    /// For each open link or image, whether it is an `<a>`: anchors cannot nest.
    anchors: Vec<bool>,
    /// Where the text of the innermost image starts in `out`.
    image: usize,
    columns: Vec<Alignment>,
    column: usize,
    head: bool,
    /// Info string, code and end of the open code block.
    code: Option<(String, String, usize)>,
    /// Where what was taken for math is an amount of money.
    money: Vec<Range<usize>>,
}

impl<'s> Writer<'s> {
    fn new(source: &'s str, colours: Colours) -> Self {
        Self {
            source,
            out: String::with_capacity(source.len() * 2),
            depth: 0,
            colours,
            anchors: Vec::new(),
            image: 0,
            columns: Vec::new(),
            column: 0,
            head: false,
            code: None,
            money: Vec::new(),
        }
    }

    fn write(&mut self, references: &mut References) -> Result<(), TooMuch> {
        let resolve = |link| references.resolve(&link);
        let parser = Parser::new_with_broken_link_callback(self.source, OPTIONS, Some(resolve));
        let most = self.source.len() * MAX_GROWTH.0 + MAX_GROWTH.1;
        for (event, range) in parser.into_offset_iter() {
            match &event {
                Event::Start(_) => self.depth += 1,
                Event::End(_) => self.depth -= 1,
                _ => {}
            }
            if self.depth > MAX_DEPTH || self.out.len() > most {
                return Err(TooMuch);
            }
            self.event(event, range);
        }
        Ok(())
    }

    fn event(&mut self, event: Event<'_>, range: Range<usize>) {
        match event {
            Event::Start(tag) => self.start(tag, &range),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => match &mut self.code {
                Some((_, code, _)) => code.push_str(&text),
                None => push_escaped(&mut self.out, &text),
            },
            Event::Code(code) => {
                self.out.push_str("<code>");
                push_escaped(&mut self.out, &code);
                self.out.push_str("</code>");
            }
            // Raw HTML is text like any other.
            Event::Html(text) | Event::InlineHtml(text) => push_escaped(&mut self.out, &text),
            Event::InlineMath(math) => {
                // A formula is not followed by a digit, but the next price is: `$5 to $10`.
                if self
                    .source
                    .as_bytes()
                    .get(range.end)
                    .is_some_and(u8::is_ascii_digit)
                {
                    push_escaped(&mut self.out, &self.source[range.clone()]);
                    self.money.push(range);
                } else {
                    push_math(&mut self.out, &math, Mode::Inline);
                }
            }
            Event::DisplayMath(math) => push_math(&mut self.out, &math, Mode::Display),
            Event::SoftBreak => self.out.push('\n'),
            Event::HardBreak => self.out.push_str("<br>\n"),
            Event::Rule => self.out.push_str("<hr>\n"),
            Event::TaskListMarker(done) => self.out.push_str(if done {
                "<span class=\"task-box task-done\" role=\"img\" aria-label=\"Done\">☑</span> "
            } else {
                "<span class=\"task-box task-open\" role=\"img\" aria-label=\"Not done\">☐</span> "
            }),
            // Not enabled.
            Event::FootnoteReference(_) => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>, range: &Range<usize>) {
        match tag {
            Tag::Heading { level, .. } => {
                self.out.push('<');
                self.out.push_str(heading(level));
                self.out.push('>');
            }
            Tag::CodeBlock(kind) => {
                let info = match kind {
                    CodeBlockKind::Fenced(info) => info.into_string(),
                    CodeBlockKind::Indented => String::new(),
                };
                self.code = Some((info, String::new(), range.end));
            }
            Tag::List(Some(1)) => self.out.push_str("<ol>\n"),
            Tag::List(Some(first)) => {
                self.out.push_str("<ol start=\"");
                self.out.push_str(&first.to_string());
                self.out.push_str("\">\n");
            }
            Tag::Table(columns) => {
                self.columns = columns;
                self.out
                    .push_str("<div class=\"table-scroll\" tabindex=\"0\"><table>\n");
            }
            Tag::TableHead => {
                (self.head, self.column) = (true, 0);
                self.out.push_str("<thead><tr>");
            }
            Tag::TableRow => {
                self.column = 0;
                self.out.push_str("<tr>");
            }
            Tag::TableCell => {
                self.out.push_str(if self.head { "<th" } else { "<td" });
                self.out.push_str(match self.columns.get(self.column) {
                    Some(Alignment::Left) => " class=\"align-left\">",
                    Some(Alignment::Center) => " class=\"align-center\">",
                    Some(Alignment::Right) => " class=\"align-right\">",
                    _ => ">",
                });
                self.column += 1;
            }
            Tag::Link {
                link_type,
                dest_url,
                title,
                ..
            } => {
                self.open_anchor(address(link_type, &dest_url), &title, "");
            }
            Tag::Image {
                link_type,
                dest_url,
                title,
                ..
            } => {
                self.open_anchor(
                    address(link_type, &dest_url),
                    &title,
                    " class=\"image-link\"",
                );
                self.image = self.out.len();
            }
            Tag::Paragraph => self.out.push_str("<p>"),
            Tag::BlockQuote(_) => self.out.push_str("<blockquote>\n"),
            Tag::HtmlBlock => self.out.push_str("<p class=\"raw\">"),
            Tag::List(None) => self.out.push_str("<ul>\n"),
            Tag::Item => self.out.push_str("<li>"),
            Tag::Emphasis => self.out.push_str("<em>"),
            Tag::Strong => self.out.push_str("<strong>"),
            Tag::Strikethrough => self.out.push_str("<del>"),
            // Not enabled.
            Tag::FootnoteDefinition(_)
            | Tag::DefinitionList
            | Tag::DefinitionListTitle
            | Tag::DefinitionListDefinition
            | Tag::Superscript
            | Tag::Subscript
            | Tag::MetadataBlock(_) => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(level) => {
                self.out.push_str("</");
                self.out.push_str(heading(level));
                self.out.push_str(">\n");
            }
            TagEnd::CodeBlock => {
                if let Some((info, code, end)) = self.code.take() {
                    let unfinished =
                        self.colours == Colours::Off && end >= self.source.trim_end().len();
                    let colours = if unfinished {
                        Colours::Off
                    } else {
                        Colours::On
                    };
                    push_code(&mut self.out, &info, &code, colours);
                }
            }
            TagEnd::TableHead => {
                self.head = false;
                self.out.push_str("</tr></thead>\n<tbody>\n");
            }
            TagEnd::TableCell => self.out.push_str(if self.head { "</th>" } else { "</td>" }),
            TagEnd::Link => self.close_anchor(),
            TagEnd::Image => {
                if self.out.len() == self.image {
                    self.out.push_str("image");
                }
                self.close_anchor();
            }
            TagEnd::HtmlBlock => {
                self.out.truncate(self.out.trim_end().len());
                self.out.push_str("</p>\n");
            }
            TagEnd::Paragraph => self.out.push_str("</p>\n"),
            TagEnd::BlockQuote(_) => self.out.push_str("</blockquote>\n"),
            TagEnd::List(true) => self.out.push_str("</ol>\n"),
            TagEnd::List(false) => self.out.push_str("</ul>\n"),
            TagEnd::Item => self.out.push_str("</li>\n"),
            TagEnd::Table => self.out.push_str("</tbody></table></div>\n"),
            TagEnd::TableRow => self.out.push_str("</tr>\n"),
            TagEnd::Emphasis => self.out.push_str("</em>"),
            TagEnd::Strong => self.out.push_str("</strong>"),
            TagEnd::Strikethrough => self.out.push_str("</del>"),
            TagEnd::FootnoteDefinition
            | TagEnd::DefinitionList
            | TagEnd::DefinitionListTitle
            | TagEnd::DefinitionListDefinition
            | TagEnd::Superscript
            | TagEnd::Subscript
            | TagEnd::MetadataBlock(_) => {}
        }
    }

    fn open_anchor(&mut self, address: Option<String>, title: &str, class: &str) {
        let address = address.filter(|_| !self.anchors.contains(&true));
        self.anchors.push(address.is_some());
        let Some(address) = address else { return };
        self.out.push_str("<a");
        self.out.push_str(class);
        self.out.push_str(" href=\"");
        push_escaped(&mut self.out, &address);
        if !title.is_empty() {
            self.out.push_str("\" title=\"");
            push_escaped(&mut self.out, title);
        }
        self.out.push_str("\">");
    }

    fn close_anchor(&mut self) {
        if self.anchors.pop() == Some(true) {
            self.out.push_str("</a>");
        }
    }
}

/// The page around a message has its own `h1` and `h2`.
fn heading(level: HeadingLevel) -> &'static str {
    match level {
        HeadingLevel::H1 => "h3",
        HeadingLevel::H2 => "h4",
        HeadingLevel::H3 => "h5",
        _ => "h6",
    }
}

/// The address of a link that may be followed, as a browser would write it. It is parsed as a
/// browser parses it, so a scheme that is hidden by tabs or entities is seen.
fn address(link_type: LinkType, destination: &CowStr<'_>) -> Option<String> {
    if destination.len() > MAX_ADDRESS {
        return None;
    }
    let url = match link_type {
        LinkType::Email => Url::parse(&format!("mailto:{destination}")),
        _ => Url::parse(destination),
    };
    let url = url.ok()?;
    matches!(url.scheme(), "http" | "https" | "mailto").then(|| url.into())
}
