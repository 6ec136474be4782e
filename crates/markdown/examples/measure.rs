//! Prints what a streamed answer costs: CPU time and resident memory (Linux).
//!
//! `cargo run --release -p onelastai-markdown --example measure`
#![allow(clippy::print_stdout, reason = "a program for people")]

use std::fs;
use std::time::Duration;

use onelastai_markdown::{Incremental, Tail, render};

/// About 1000 tokens, as a model would answer a question about programming.
const ANSWER: &str = include_str!("answer.md");

/// How many pieces the answer comes in.
const PUSHES: usize = 250;

/// CPU time of this process so far.
fn cpu() -> Duration {
    let stat = fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let nanos = stat.split(' ').next().and_then(|n| n.parse().ok());
    Duration::from_nanos(nanos.unwrap_or_default())
}

/// Resident memory of this process in kB.
fn memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|l| l.split_whitespace().next()?.parse().ok())
        .unwrap_or_default()
}

/// Streams `text` and returns how many bytes the patches had.
fn stream(text: &str, pushes: usize) -> usize {
    let mut incremental = Incremental::new();
    let mut bytes = 0;
    let mut at = 0;
    for push in 1..=pushes {
        let end = text.ceil_char_boundary(text.len() * push / pushes);
        let patch = incremental.push(&text[at..end]);
        at = end;
        bytes += patch.blocks.len();
        bytes += match patch.tail {
            Tail::Keep => 0,
            Tail::Replace(html) => html.len(),
            Tail::AppendCode(text) | Tail::AppendProse(text) => text.len(),
        };
    }
    bytes + incremental.finish().blocks.len()
}

fn report(what: &str, text: &str, pushes: usize, times: u32) {
    let before = cpu();
    let bytes = (0..times).fold(0, |_, _| stream(text, pushes));
    let streamed = (cpu() - before) / times;
    let before = cpu();
    let html = (0..times).fold(render(""), |_, _| render(text));
    let whole = (cpu() - before) / times;
    println!(
        "{what}: {} bytes in {pushes} pushes: {streamed:.1?} CPU, {bytes} bytes of patches; whole: \
         {whole:.1?}, {} bytes of HTML; {} kB resident",
        text.len(),
        html.as_str().len(),
        memory()
    );
}

fn main() {
    println!("at start: {} kB resident", memory());
    report("answer, first", ANSWER, PUSHES, 1);
    // The kernel counts in ticks, so one answer alone is too short to be measured.
    report("answer, on average", ANSWER, PUSHES, 100);
    report("answer, token by token", ANSWER, 1000, 100);
    let list: String = (1..=120)
        .map(|i| format!("{i}. **Step {i}** with `code` and words\n"))
        .collect();
    report("long list", &list, PUSHES, 20);
    let code = format!(
        "```rust\n{}```\n",
        "let x = f(\"text\", 1.5); // why\n".repeat(1000)
    );
    report("long code", &code, PUSHES, 20);
    for (what, text) in [
        ("1 MB of quotes", ">".repeat(1 << 20)),
        ("1 MB of brackets", "[".repeat(1 << 20)),
        ("1 MB of stars", "*a ".repeat(1 << 18)),
        (
            "1 MB of paragraphs",
            "Some *words* and `code`.\n\n".repeat(1 << 15),
        ),
        (
            "1 MB of one list",
            "- item [a](http://b.c)\n".repeat(1 << 15),
        ),
        (
            "1 MB of math",
            "$x^2$ and $\\frac{a}{b}$\n\n".repeat(1 << 15),
        ),
    ] {
        report(what, &text, 1000, 1);
    }
    println!("at the end: {} kB resident", memory());
}
