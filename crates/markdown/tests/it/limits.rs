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

fn hostile() -> Vec<(&'static str, String)> {
    const N: usize = 100_000;
    let repeated = [
        ">",
        "[",
        "*",
        "**",
        "_",
        "`",
        "` ``",
        "~~",
        "$",
        "$$",
        "#",
        "|",
        "!",
        "![",
        "[]",
        "](",
        "[a](",
        "<",
        "<a ",
        "<!--",
        "<?",
        "&",
        "&#",
        "\\",
        "\\(",
        "\\[",
        "- ",
        "> - ",
        "1. ",
        "*a _b ",
        "**a __b ",
        "a**b",
        "[a][",
        "{",
        "$x{",
        "\t",
        " ",
        "\n",
        "\r",
        "\0",
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
    ];
    let mut texts: Vec<_> = repeated
        .iter()
        .map(|piece| (*piece, piece.repeat(N / piece.len())))
        .collect();
    // What stays just below the limits is what costs.
    texts.extend(
        repeated
            .iter()
            .map(|piece| (*piece, piece.repeat(MAX_BLOCK / 2 / piece.len()))),
    );
    let nested =
        |open: &str, close: &str, n: usize| format!("{}x{}", open.repeat(n), close.repeat(n));
    texts.extend([
        (
            "nested quotes",
            (1..300).map(|n| format!("{}a\n", "> ".repeat(n))).collect(),
        ),
        (
            "nested lists",
            (0..150)
                .map(|n| format!("{}- a\n", "  ".repeat(n)))
                .collect(),
        ),
        ("nested emphasis", nested("*a **b ", "**c *", 5000)),
        ("nested links", nested("[", "](http://a.b)", 5000)),
        ("nested images", nested("![", "](http://a.b)", 5000)),
        ("nested math", format!("${}$", nested("{", "}", 1500))),
        ("deep math", format!("${}$", nested("\\sqrt{", "}", 500))),
        ("math commands", format!("${}x$", "\\hat".repeat(500))),
        (
            "wide table",
            format!(
                "{}\n{}\n{}",
                "|a".repeat(5000),
                "|-".repeat(5000),
                "a\n".repeat(10_000)
            ),
        ),
        (
            "reused definition",
            format!(
                "[a]: http://{}\n\n{}",
                "b".repeat(1900),
                "[a] ".repeat(20_000)
            ),
        ),
        (
            "reused in blocks",
            format!(
                "[a]: http://{}\n\n{}",
                "b".repeat(1900),
                "[a]\n\n".repeat(10_000)
            ),
        ),
        (
            "many definitions",
            (0..5000)
                .map(|n| format!("[{n}]: http://a.b\n\n[{n}]\n\n"))
                .collect(),
        ),
        (
            "long line of code",
            format!("```js\n{}\n```", "1,".repeat(30_000)),
        ),
        (
            "much code",
            format!("```rust\n{}\n```", "let a = \"b\"; // c\n".repeat(20_000)),
        ),
        (
            "unclosed everything",
            "**a [b](c `d $e ~~f <g \n".repeat(2000),
        ),
        ("list of code", "- ```\n  a\n  ```\n".repeat(3000)),
    ]);
    texts
}

#[test]
fn hostile_texts_are_bounded() {
    with_small_stack(|| {
        for (what, text) in hostile() {
            assert_bounded(&text, render(&text).as_str(), what);
        }
    });
}

#[test]
fn streaming_hostile_texts_is_bounded() {
    with_small_stack(|| {
        for (what, text) in hostile() {
            let mut incremental = Incremental::new();
            let mut sent = 0;
            let step = text.len() / 40 + 1;
            let mut at = 0;
            while at < text.len() {
                let end = text.ceil_char_boundary((at + step).min(text.len()));
                let patch = incremental.push(&text[at..end]);
                at = end;
                sent += patch.blocks.len();
                if let Tail::Replace(html) | Tail::AppendText(html) = patch.tail {
                    // A tail is only of a block, and parsed only up to a limit.
                    assert!(
                        html.len() <= MAX_BLOCK * FACTOR + text.len() * 8,
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
        for piece in [">", "[", "*", "a *b* ", "a\n\n", "```\n", "- a\n"] {
            let text = piece.repeat((1 << 20) / piece.len());
            assert_bounded(&text, render(&text).as_str(), piece);
            assert_bounded(&text, escape(&text).as_str(), piece);
        }
    });
}

/// Counts bytes that are sent, as the measure of work.
fn work(text: &str, pushes: usize) -> usize {
    let mut incremental = Incremental::new();
    let mut bytes = 0;
    for push in 0..pushes {
        let cut = |n| text.ceil_char_boundary(text.len() * n / pushes);
        let patch = incremental.push(&text[cut(push)..cut(push + 1)]);
        bytes += patch.blocks.len();
        if let Tail::Replace(html) | Tail::AppendText(html) = patch.tail {
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
        let appended = incremental.push("more").tail;
        assert!(matches!(
            appended,
            Tail::AppendText(_) | Tail::Keep | Tail::Replace(_)
        ));
    }
    let mut incremental = Incremental::new();
    incremental.push(&"- item\n".repeat(MAX_BLOCK / 10));
    assert_eq!(
        incremental.push("<more>").tail,
        Tail::AppendText("<more>".into())
    );
}
