use onelastai_markdown::*;
use std::time::Instant;
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

fn main() {
    for (what, text) in hostile() {
        let t = Instant::now();
        let h = render(&text);
        let r = t.elapsed();
        let t = Instant::now();
        let mut inc = Incremental::new();
        let step = text.len() / 40 + 1;
        let mut at = 0;
        while at < text.len() {
            let e = text.ceil_char_boundary((at + step).min(text.len()));
            inc.push(&text[at..e]);
            at = e;
        }
        inc.finish();
        let s = t.elapsed();
        if r.as_millis() > 30 || s.as_millis() > 300 {
            println!(
                "{:?} len {} html {} render {:?} stream {:?}",
                what,
                text.len(),
                h.as_str().len(),
                r,
                s
            );
        }
    }
}
