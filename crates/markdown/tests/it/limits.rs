//! Texts that are made to be expensive. None of these tests has a clock: they end, in a thread with
//! a small stack, with HTML in proportion to the text and none too deep.

use std::thread;

use onelastai_markdown::{Incremental, MAX_BLOCK, Tail, escape, render};

use crate::dom::count;

/// The most bytes of HTML for each byte of text, and for any text at all.
const FACTOR: usize = 40;
const CONSTANT: usize = 8192;

/// Elements around the deepest one in any HTML.
const DEEPEST: usize = 100;

/// Runs `test` with a stack that a recursion would soon be out of.
fn with_small_stack(test: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new().stack_size(1024 * 1024);
    thread.spawn(test).unwrap().join().unwrap();
}

/// How deep the elements of `html`, which is balanced, are nested.
fn depth(html: &str) -> usize {
    let (mut now, mut most) = (0_usize, 0);
    for tag in html.split('<').skip(1) {
        if tag.starts_with('/') {
            now -= 1;
        } else if !(tag.starts_with("br>") || tag.starts_with("hr>")) {
            now += 1;
            most = most.max(now);
        }
    }
    most
}

fn assert_bounded(text: &str, html: &str, what: &str) {
    assert!(
        html.len() <= text.len() * FACTOR + CONSTANT,
        "{what}: {} of {}",
        html.len(),
        text.len()
    );
    assert!(depth(html) <= DEEPEST, "{what}: {}", depth(html));
}

/// Single characters, so often that they are over the limit of a block.
fn floods(bytes: usize) -> Vec<(&'static str, String)> {
    let pieces = [
        ">", "[", "*", "_", "`", "~", "$", "#", "|", "!", "<", "&", "\\", "{", " ", "\t", "\n",
        "\r", "\0",
    ];
    pieces
        .iter()
        .map(|piece| (*piece, piece.repeat(bytes)))
        .collect()
}

/// About `bytes` of what costs most below the limits.
fn hostile(bytes: usize) -> Vec<(&'static str, String)> {
    let repeated = [
        "**",
        "` ``",
        "~~",
        "$$",
        "![",
        "[]",
        "](",
        "[a](",
        "<a ",
        "<!--",
        "<?",
        "&#",
        "\\(",
        "\\[",
        "- ",
        "> - ",
        "1. ",
        "*a _b ",
        "**a __b ",
        "a**b",
        "[a][",
        "$x{",
        "é",
        "\u{202e}",
        "<http://",
        "\n```\n",
        "\n- [ ] a",
        "\n# a",
        "\n> a",
        "\n\n* a\n  * b",
        "\n|a|b|\n|-|-|\n",
        "[^1]",
        "$\\frac{a}{b}$ ",
        "x\n===\n",
        "<b>",
        "`a`",
        "\n$$\nx\n$$\n",
        "**a [b](c `d $e ~~f <g \n",
        "- ```\n  a\n  ```\n",
    ];
    let mut texts = floods(bytes);
    texts.extend(
        repeated
            .iter()
            .map(|piece| (*piece, piece.repeat(bytes / piece.len()))),
    );
    let nested = |open: &str, close: &str| {
        let n = bytes / (open.len() + close.len());
        format!("{}x{}", open.repeat(n), close.repeat(n))
    };
    let uses = bytes / 5;
    let definition = format!("[a]: http://{}\n\n", "b".repeat(1900));
    texts.extend([
        (
            "nested quotes",
            (1..bytes / 100)
                .map(|n| format!("{}a\n", "> ".repeat(n % 100)))
                .collect(),
        ),
        (
            "nested lists",
            (0..bytes / 150)
                .map(|n| format!("{}- a\n", "  ".repeat(n)))
                .collect(),
        ),
        ("nested emphasis", nested("*a **b ", "**c *")),
        ("nested links", nested("[", "](http://a.b)")),
        ("nested images", nested("![", "](http://a.b)")),
        (
            "wide table",
            format!(
                "{0}\n{1}\n{2}",
                "|a".repeat(uses),
                "|-".repeat(uses),
                "a\n".repeat(uses / 2)
            ),
        ),
        (
            "reused definition",
            format!("{definition}{}", "[a] ".repeat(uses)),
        ),
        (
            "reused in blocks",
            format!("{definition}{}", "[a]\n\n".repeat(uses)),
        ),
        (
            "many definitions",
            (0..bytes / 30)
                .map(|n| format!("[{n}]: http://a.b\n\n[{n}]\n\n"))
                .collect(),
        ),
        (
            "long line of code",
            format!("```js\n{}\n```", "1,".repeat(bytes / 2)),
        ),
        (
            "nested math",
            format!("${}x{}$", "{".repeat(1500), "}".repeat(1500)),
        ),
        (
            "deep math",
            format!("${}x{}$", "\\sqrt{".repeat(500), "}".repeat(500)),
        ),
        ("math commands", format!("${}x$", "\\hat".repeat(500))),
    ]);
    texts
}

#[test]
fn hostile_texts_are_bounded() {
    with_small_stack(|| {
        for (what, text) in hostile(12_000).into_iter().chain(floods(100_000)) {
            assert_bounded(&text, render(&text).as_str(), what);
        }
    });
}

#[test]
fn streaming_hostile_texts_is_bounded() {
    with_small_stack(|| {
        for (what, text) in hostile(6_000).into_iter().chain(floods(100_000)) {
            let mut incremental = Incremental::new();
            let mut sent = 0;
            for piece in pieces(&text, 8) {
                let patch = incremental.push(piece);
                sent += patch.blocks.len();
                if let Tail::Replace(html) | Tail::AppendCode(html) | Tail::AppendProse(html) =
                    patch.tail
                {
                    assert!(
                        html.len() <= text.len() * FACTOR + CONSTANT,
                        "{what}: {}",
                        html.len()
                    );
                }
            }
            sent += incremental.finish().blocks.len();
            assert!(
                sent <= text.len() * FACTOR + CONSTANT,
                "{what}: {sent} of {}",
                text.len()
            );
        }
    });
}

#[test]
fn a_megabyte_is_no_problem() {
    with_small_stack(|| {
        for piece in [">", "[", "*", "`", "&", "- a\n", "a *b* "] {
            let text = piece.repeat((1 << 20) / piece.len());
            assert_bounded(&text, render(&text).as_str(), piece);
            assert_bounded(&text, escape(&text).as_str(), piece);
        }
    });
}

/// `text` in `count` pieces of about the same length.
fn pieces(text: &str, count: usize) -> impl Iterator<Item = &str> {
    let cut = move |n| text.ceil_char_boundary(text.len() * n / count);
    (0..count).map(move |n| &text[cut(n)..cut(n + 1)])
}

/// Counts bytes that are sent, as the measure of work.
fn work(text: &str, pushes: usize) -> usize {
    let mut incremental = Incremental::new();
    let mut bytes = 0;
    for piece in pieces(text, pushes) {
        let patch = incremental.push(piece);
        bytes += patch.blocks.len();
        if let Tail::Replace(html) | Tail::AppendCode(html) | Tail::AppendProse(html) = patch.tail {
            bytes += html.len();
        }
    }
    bytes + incremental.finish().blocks.len()
}

#[test]
fn the_work_grows_with_the_text() {
    let code = |lines| format!("```text\n{}", "some code here\n".repeat(lines));
    let list = |items| "- an item of a list\n".repeat(items);
    let words = |count| "word ".repeat(count);
    let messages = |count| "A short paragraph.\n\n".repeat(count);
    for (what, short, long) in [
        ("code", code(500), code(4000)),
        ("list", list(200), list(1600)),
        ("words", words(800), words(6400)),
        ("messages", messages(100), messages(800)),
    ] {
        let (few, many) = (work(&short, short.len() / 4), work(&long, long.len() / 4));
        // Eight times the text; quadratic work would be 64 times as much.
        assert!(many < few * 24, "{what}: {few} to {many}");
    }
    // A block of code costs what is in it, up to the colours when it is finished.
    assert!(work(&code(4000), 4000) < code(4000).len() * 3);
}

#[test]
fn over_the_limit_is_preformatted() {
    let long = "- item\n".repeat(MAX_BLOCK / 7 + 1);
    for text in [long, format!("{}x", "> ".repeat(200))] {
        let html = render(&text).into_string();
        assert_eq!(
            (
                count(&html, "pre.raw[tabindex='0'] > code"),
                count(&html, "li, blockquote")
            ),
            (1, 0)
        );
        let mut incremental = Incremental::new();
        incremental.push(&text);
        let snapshot = incremental.snapshot();
        assert_eq!(count(&snapshot.tail, "pre.raw"), 1);
    }
    let mut incremental = Incremental::new();
    incremental.push(&"- item\n".repeat(MAX_BLOCK / 10));
    assert_eq!(
        incremental.push("<more>").tail,
        Tail::AppendCode("<more>".into())
    );
}
