//! Whatever is written, only what the product wants comes out.

use onelastai_markdown::{Incremental, escape, render};

use crate::dom::assert_safe;
use crate::random::Random;

/// One vector a line; `⏎` is a line end, `⇥` a tab, `␍` a carriage return and `␀` a NUL.
const VECTORS: &str = include_str!("corpus/xss.txt");

fn vectors() -> Vec<String> {
    let decode = |line: &str| {
        line.replace('⏎', "\n")
            .replace('⇥', "\t")
            .replace('␍', "\r")
            .replace('␀', "\0")
    };
    VECTORS
        .lines()
        .filter(|l| !l.is_empty() && !l.starts_with("## "))
        .map(decode)
        .collect()
}

/// Where hostile text may stand.
fn contexts(vector: &str) -> Vec<String> {
    let line = vector.replace('\n', " ");
    vec![
        vector.to_owned(),
        format!("text {vector} text"),
        format!("- {vector}\n- {vector}"),
        format!("> {vector}"),
        format!("# {line}"),
        format!("| a |\n|---|\n| {line} |"),
        format!("```\n{vector}\n```"),
        format!("```{line}\ncode\n```"),
        format!("```html\n{vector}\n```\n```js\n{vector}\n```\n```css\n{vector}"),
        format!("`{line}`"),
        format!("[{line}](https://example.com)"),
        format!("[text]({line})"),
        format!("[text](<{line}>)"),
        format!("[text](https://example.com/{line})"),
        format!("[text](https://example.com \"{line}\")"),
        format!("![{line}](https://example.com)"),
        format!("![text]({line} '{line}')"),
        format!("[ref]\n\n[ref]: {line} \"{line}\"\n\n[ref]"),
        format!("<{line}>"),
        format!("${line}$ and $$\n{vector}\n$$"),
        format!("$\\text{{{line}}}$"),
        format!("**{vector} *{vector}"),
        format!("<div {line}>\n\n{vector}"),
    ]
}

#[test]
fn there_are_many_vectors() {
    let mut vectors = vectors();
    vectors.sort();
    vectors.dedup();
    assert!(vectors.len() >= 150, "{}", vectors.len());
}

#[test]
fn nothing_gets_through_whole() {
    for vector in vectors() {
        for text in contexts(&vector) {
            assert_safe(render(&text).as_str(), &format!("{text:?}"));
        }
        assert_safe(escape(&vector).as_str(), &vector);
    }
}

#[test]
fn nothing_gets_through_in_pieces() {
    let mut random = Random::new(7);
    for vector in vectors() {
        let contexts = contexts(&vector);
        // All contexts in turn over the vectors; each cut is another anyway.
        for _ in 0..3 {
            let text = random.pick(&contexts);
            let mut incremental = Incremental::new();
            for piece in random.pieces(text, 12) {
                let patch = incremental.push(piece);
                assert_safe(&patch.blocks, text);
                if let onelastai_markdown::Tail::Replace(html) = &patch.tail {
                    assert_safe(html, text);
                }
            }
            incremental.finish();
            assert_safe(&incremental.snapshot().blocks, text);
        }
    }
}

#[test]
fn combined_they_do_not_get_through_either() {
    let vectors = vectors();
    for seed in 0..300 {
        let mut random = Random::new(seed);
        let mut text = String::new();
        for _ in 0..3 {
            let vector = random.pick(&vectors);
            let from = vector.ceil_char_boundary(random.below(vector.len()));
            let to = vector.ceil_char_boundary(from + random.below(vector.len() - from + 1));
            text.push_str(if random.below(2) == 0 {
                vector
            } else {
                &vector[from..to]
            });
            text.push_str(
                random.pick(&["", " ", "\n", "\n\n", "`", "$", "](", "\">", "-->", "\\"]),
            );
        }
        assert_safe(render(&text).as_str(), &format!("seed {seed}: {text:?}"));
    }
}

/// What protects is not that the words are gone, which may be talked about, but that they are text.
#[test]
fn code_about_html_is_still_to_be_read() {
    let html = render("Use `<script>` or\n\n```html\n<button onclick=\"x\">\n```\n").into_string();
    assert_eq!(
        crate::dom::text(&html),
        "Use <script> or\nhtmlCopy<button onclick=\"x\">\n\n"
    );
    assert_eq!(crate::dom::count(&html, "script"), 0);
    assert_eq!(crate::dom::count(&html, "button"), 1);
}
