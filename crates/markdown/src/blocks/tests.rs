use pulldown_cmark::{Event, Parser, TextMergeStream};

use super::*;
use crate::render::OPTIONS;

/// What CommonMark makes of a text.
fn events(text: &str) -> Vec<Event<'_>> {
    TextMergeStream::new(Parser::new_ext(text, OPTIONS)).collect()
}

/// The same, of each block on its own.
fn events_of_blocks(text: &str) -> Vec<Event<'_>> {
    split(text)
        .into_iter()
        .flat_map(|block| events(&text[block.range]))
        .collect()
}

fn sources(text: &str) -> Vec<&str> {
    split(text)
        .into_iter()
        .map(|block| &text[block.range])
        .collect()
}

#[test]
fn blocks_end_where_nothing_can_change_them() {
    for (text, blocks) in [
        ("", vec![]),
        ("\n\n", vec![]),
        ("a\nb\n\nc", vec!["a\nb\n\n", "c"]),
        ("# a\nb\n# c", vec!["# a\n", "b\n", "# c"]),
        ("a\n---\nb\n***\nc", vec!["a\n---\n", "b\n", "***\n", "c"]),
        (
            "a\n- b\n\n- c\n\n  d\n\ne",
            vec!["a\n", "- b\n\n- c\n\n  d\n\n", "e"],
        ),
        ("a\n2. b\n1. c", vec!["a\n2. b\n", "1. c"]),
        ("> a\nb\n> c\n\n> d", vec!["> a\nb\n> c\n\n", "> d"]),
        (
            "a\n```\nb\n\nc\n```\nd",
            vec!["a\n", "```\nb\n\nc\n```\n", "d"],
        ),
        (
            "- a\n  ```\n  b\n\n  c\n  ```\n- d",
            vec!["- a\n  ```\n  b\n\n  c\n  ```\n- d"],
        ),
        (
            "1. a\n  ```\nb\n\nc\n  ```\n",
            vec!["1. a\n", "  ```\nb\n\nc\n  ```\n"],
        ),
        ("    a\n\n    b\nc", vec!["    a\n\n    b\n", "c"]),
        ("$$\na\n- b\n$$\nc", vec!["$$\na\n- b\n$$\n", "c"]),
        ("$$\na\n\n- b", vec!["$$\na\n\n", "- b"]),
        ("$$a\n$$\nb", vec!["$$a\n$$\nb"]),
    ] {
        assert_eq!(sources(text), blocks, "{text:?}");
    }
}

#[test]
fn nothing_is_left_out() {
    let text = include_str!("../../tests/it/corpus/blocks.md");
    let mut at = 0;
    for block in split(text) {
        assert!(text[at..block.range.start].trim().is_empty());
        at = block.range.end;
    }
    assert_eq!(at, text.len());
}

#[test]
fn cutting_does_not_change_common_mark() {
    for text in [
        include_str!("../../tests/it/corpus/lists.md"),
        include_str!("../../tests/it/corpus/inlines.md"),
        include_str!("../../examples/answer.md"),
    ] {
        // Definitions and math blocks are known to be different.
        let text = text.replace("[ref]:", "[ref] :").replace("$$\n", "\n");
        assert_eq!(events_of_blocks(&text), events(&text));
    }
}

/// Texts of lines that can be many things, against CommonMark.
#[test]
fn cutting_changes_hardly_any_random_text() {
    const LINES: &[&str] = &[
        "a",
        "b c",
        "",
        "",
        "- a",
        "- b",
        "1. a",
        "2. b",
        "  c",
        "   d",
        "    e",
        "* a",
        "# h",
        "---",
        "===",
        "***",
        "> q",
        "> - q",
        ">",
        "```",
        "  ```",
        "~~~",
        "| a | b |",
        "|---|---|",
        "1) x",
        "+ y",
        "-",
        "  - n",
    ];
    let mut state = 7_u64;
    let mut below = |n: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % n
    };
    let mut different = Vec::new();
    for _ in 0..3000 {
        let text: String = (0..=below(9))
            .map(|_| format!("{}\n", LINES[below(LINES.len())]))
            .collect();
        if events_of_blocks(&text) != events(&text) {
            different.push(text);
        }
    }
    // What is left are lists that end in the middle of code: to see that takes more than a line.
    assert!(different.len() <= 3, "{different:#?}");
}
