//! A streamed message is the same as a whole one, however it is cut.

use onelastai_markdown::{Incremental, Patch, Tail, render};
use scraper::node::Text;
use scraper::{Html, Node};

use crate::dom::{count, dump};
use crate::random::Random;

/// Texts as models write them; each file is one.
const CORPUS: &[&str] = &[
    include_str!("../../examples/answer.md"),
    include_str!("corpus/blocks.md"),
    include_str!("corpus/inlines.md"),
    include_str!("corpus/lists.md"),
    include_str!("corpus/odd.md"),
];

/// Pieces from which texts are made that no one would write.
const PIECES: &[&str] = &[
    "word ",
    "word",
    " ",
    "\n",
    "\n\n",
    "\n\n\n",
    "**",
    "*",
    "_",
    "`",
    "``",
    "```",
    "```rust\n",
    "\n```\n",
    "~~~\n",
    "~~",
    "# ",
    "\n## h\n",
    "- ",
    "\n- ",
    "\n  - ",
    "\n1. ",
    "\n2) ",
    "   ",
    "    ",
    "\t",
    "> ",
    "\n> ",
    "\n---\n",
    "\n===\n",
    "***",
    "| a | b |\n|---|---|\n",
    "| c ",
    "|\n",
    "[",
    "]",
    "](",
    ")",
    "[a](http://b.c)",
    "![",
    "<b>",
    "<!-- ",
    "-->",
    "\n<script>\n",
    "&amp;",
    "&#x41;",
    "\\",
    "\\(",
    "\\)",
    "\\[\n",
    "\n\\]\n",
    "$",
    "$$",
    "\n$$\n",
    "x^2",
    "\\frac{a}{b}",
    "$5",
    "é",
    "日本",
    "\u{1f600}",
    "\r\n",
    "\r",
    "\0",
    "- [ ] ",
    "- [x] t",
    "\n: ",
    "[^1]",
];

/// How many texts are made of them. More were run when this was written.
const SEEDS: u64 = 200;

/// A reader: the page of someone who looks at a message while it is written.
#[derive(Default)]
struct Reader {
    blocks: String,
    tail: Option<Html>,
}

impl Reader {
    fn apply(&mut self, patch: &Patch) {
        self.blocks.push_str(&patch.blocks);
        match &patch.tail {
            Tail::Keep => {}
            Tail::Replace(html) => self.tail = Some(Html::parse_fragment(html)),
            Tail::AppendCode(text) => {
                let tail = self.tail.as_mut().expect("a tail to add to");
                let is_code = |node: &ego_tree::NodeRef<'_, Node>| {
                    node.value()
                        .as_element()
                        .is_some_and(|e| e.name() == "code")
                };
                let last = tail
                    .tree
                    .root()
                    .descendants()
                    .filter(is_code)
                    .last()
                    .expect("a code element")
                    .id();
                let text = Node::Text(Text {
                    text: text.as_str().into(),
                });
                tail.tree.get_mut(last).unwrap().append(text);
            }
            Tail::AppendProse(more) => {
                let tail = self.tail.as_mut().expect("a tail to add to");
                let is_text = |node: &ego_tree::NodeRef<'_, Node>| {
                    let text = node.value().as_text();
                    text.is_some_and(|text| !text.trim().is_empty())
                };
                let last = tail.tree.root().descendants().filter(is_text).last();
                let last = last.expect("text").id();
                let mut node = tail.tree.get_mut(last).unwrap();
                if let Node::Text(text) = node.value() {
                    text.text.push_slice(more);
                }
            }
        }
    }

    fn tail(&self) -> String {
        self.tail
            .as_ref()
            .map_or_else(|| dump(&Html::parse_fragment("")), dump)
    }
}

/// Streams `pieces` and holds what the reader has against the snapshot after each.
fn stream(pieces: &[&str], what: &str) -> String {
    let mut incremental = Incremental::new();
    let mut reader = Reader::default();
    let mut so_far = String::new();
    let mut random = Random::new(pieces.len() as u64);
    for piece in pieces {
        let patch = incremental.push(piece);
        reader.apply(&patch);
        so_far.push_str(piece);
        let snapshot = incremental.snapshot();
        assert_eq!(reader.blocks, snapshot.blocks, "{what}: {so_far:?}");
        assert_eq!(
            reader.tail(),
            dump(&Html::parse_fragment(&snapshot.tail)),
            "{what}: {so_far:?}"
        );
        // Not after each, since it starts anew.
        if random.below(8) == 0 {
            let mut at_once = Incremental::new();
            at_once.push(&so_far);
            assert_eq!(at_once.snapshot(), snapshot, "{what}: {so_far:?}");
        }
    }
    reader.apply(&incremental.finish());
    assert_eq!(incremental.text(), so_far);
    assert_eq!(incremental.snapshot().tail, "");
    assert_eq!(
        reader.tail(),
        dump(&Html::parse_fragment("")),
        "{what}: {so_far:?}"
    );
    assert_eq!(reader.blocks, incremental.snapshot().blocks);
    assert!(incremental.push("more").is_empty() && incremental.finish().is_empty());
    reader.blocks
}

#[test]
fn the_corpus_streams_to_what_it_renders_to() {
    let mut random = Random::new(1);
    for (number, text) in CORPUS.iter().enumerate() {
        let whole = render(text).into_string();
        for longest in [7, 40, 400] {
            let pieces = random.pieces(text, longest);
            assert_eq!(stream(&pieces, &format!("text {number}")), whole);
        }
    }
}

#[test]
fn any_text_streams_to_what_it_renders_to() {
    for seed in 0..SEEDS {
        let mut random = Random::new(seed);
        let text: String = (0..random.below(40))
            .map(|_| *random.pick(PIECES))
            .collect();
        // A definition that comes later is the one exception.
        let text = text.replace("]:", "] :");
        let whole = render(&text).into_string();
        let longest = *random.pick(&[1, 3, 20]);
        let pieces = random.pieces(&text, longest);
        assert_eq!(
            stream(&pieces, &format!("seed {seed}")),
            whole,
            "seed {seed}: {text:?}"
        );
    }
}

#[test]
fn character_by_character_is_no_exception() {
    let text = CORPUS[4];
    let pieces: Vec<&str> = text.split_inclusive(|_| true).collect();
    assert_eq!(stream(&pieces, "characters"), render(text).into_string());
}

#[test]
fn finished_blocks_are_sent_once_and_early() {
    let mut incremental = Incremental::new();
    assert_eq!(incremental.push("# One\n").blocks, "<h3>One</h3>\n");
    let patch = incremental.push("two **th");
    assert_eq!(
        (patch.blocks.as_str(), patch.tail),
        ("", Tail::Replace("<p>two <strong>th</strong></p>\n".into()))
    );
    let patch = incremental.push("ree**\n\nfour");
    assert_eq!(patch.blocks, "<p>two <strong>three</strong></p>\n");
    assert_eq!(patch.tail, Tail::Replace("<p>four</p>\n".into()));
    let patch = incremental.finish();
    assert_eq!(
        (patch.blocks.as_str(), patch.tail),
        ("<p>four</p>\n", Tail::Replace(String::new()))
    );
}

#[test]
fn open_code_grows_by_its_text() {
    let mut incremental = Incremental::new();
    assert!(incremental.push("```ru").is_empty());
    let Tail::Replace(frame) = incremental.push("st\n").tail else {
        panic!("no frame")
    };
    assert!(
        frame.contains("<code class=\"language-rust\"></code>"),
        "{frame}"
    );
    assert_eq!(
        incremental.push("let a = ").tail,
        Tail::AppendCode("let a = ".into())
    );
    assert_eq!(
        incremental.push("\"<b>\";\n").tail,
        Tail::AppendCode("\"<b>\";\n".into())
    );
    // This may be the end of the code.
    assert_eq!(incremental.push("``").tail, Tail::Keep);
    assert_eq!(
        incremental.push("x\n").tail,
        Tail::AppendCode("``x\n".into())
    );
    let patch = incremental.push("```\n");
    assert_eq!(patch.tail, Tail::Replace(String::new()));
    assert_eq!(count(&patch.blocks, ".tok-keyword"), 1);
}

#[test]
fn prose_grows_by_its_text() {
    let mut incremental = Incremental::new();
    incremental.push("- one\n- two");
    assert_eq!(
        incremental.push(" & <b> **th").tail,
        Tail::Replace(
            "<ul>\n<li>one</li>\n<li>two &amp; &lt;b&gt; <strong>th</strong></li>\n</ul>\n".into()
        )
    );
    assert_eq!(
        incremental.push("ree & more").tail,
        Tail::AppendProse("ree & more".into())
    );
    assert_eq!(incremental.push("** ").tail, Tail::Keep);
    let Tail::Replace(html) = incremental.push("end").tail else {
        panic!("the text comes after the element")
    };
    assert!(html.contains("</strong> end</li>"), "{html}");
    assert_eq!(
        incremental.push("\nof it").tail,
        Tail::AppendProse("\nof it".into())
    );
}

#[test]
fn half_a_word_does_not_flicker() {
    let mut incremental = Incremental::new();
    let text = "See **the [docs](https://example.com/a \"b\")** and `code`.\nThen";
    for c in text.chars() {
        incremental.push(c.encode_utf8(&mut [0; 4]));
        let tail = incremental.snapshot().tail;
        assert!(
            !tail.contains("**") && !tail.contains('`') && !tail.contains("]("),
            "{tail}"
        );
        assert!(
            !tail.contains("example") || count(&tail, "a") == 1,
            "{tail}"
        );
    }
    assert_eq!(incremental.push("\n-").tail, Tail::Keep);
    assert_eq!(count(&incremental.snapshot().tail, "h4"), 0);
}

#[test]
fn definitions_are_known_to_later_blocks() {
    let text = "[a]: https://example.com\n\nSee [a] and [A][a].\n\n- also [a]\n";
    let pieces: Vec<&str> = text.split_inclusive(' ').collect();
    let html = stream(&pieces, "definitions");
    assert_eq!(count(&html, "a[href='https://example.com/']"), 3);
    assert_eq!(html, render(text).into_string());
    // The whole text knows the later ones too.
    let late = "See [a].\n\n[a]: https://example.com\n";
    assert_eq!(count(render(late).as_str(), "a"), 1);
    assert_eq!(count(&stream(&[late], "late"), "a"), 0);
}

#[test]
fn patches_are_what_a_browser_reads() {
    let patch = |tail| {
        serde_json::to_string(&Patch {
            blocks: "<p>a</p>".into(),
            tail,
        })
        .unwrap()
    };
    assert_eq!(
        patch(Tail::Keep),
        r#"{"blocks":"<p>a</p>","tail":{"do":"keep"}}"#
    );
    assert_eq!(
        patch(Tail::Replace("b".into())),
        r#"{"blocks":"<p>a</p>","tail":{"do":"replace","value":"b"}}"#
    );
    assert_eq!(
        patch(Tail::AppendCode("c".into())),
        r#"{"blocks":"<p>a</p>","tail":{"do":"append_code","value":"c"}}"#
    );
}
