//! What Markdown looks like as HTML here.

use onelastai_markdown::{escape, render};

use crate::dom::{count, text};

fn html(source: &str) -> String {
    render(source).into_string()
}

#[test]
fn common_mark_is_itself() {
    for (source, expected) in [
        ("", ""),
        ("\n\n \n", ""),
        (
            "a *b* **c** `d` ~~e~~",
            "<p>a <em>b</em> <strong>c</strong> <code>d</code> <del>e</del></p>\n",
        ),
        ("a  \nb\\\nc\nd", "<p>a<br>\nb<br>\nc\nd</p>\n"),
        (
            "> a\n\n---",
            "<blockquote>\n<p>a</p>\n</blockquote>\n<hr>\n",
        ),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n"),
        (
            "7. a\n8. b",
            "<ol start=\"7\">\n<li>a</li>\n<li>b</li>\n</ol>\n",
        ),
        (
            "1. a\n\n   b",
            "<ol>\n<li><p>a</p>\n<p>b</p>\n</li>\n</ol>\n",
        ),
    ] {
        assert_eq!(html(source), expected, "{source:?}");
    }
}

#[test]
fn headings_fit_the_outline_of_the_page() {
    let html = html("# a\n## b\n### c\n#### d\n##### e\n###### f\n\ng\n=");
    assert_eq!(
        html,
        "<h3>a</h3>\n<h4>b</h4>\n<h5>c</h5>\n<h6>d</h6>\n<h6>e</h6>\n<h6>f</h6>\n<h3>g</h3>\n"
    );
}

#[test]
fn code_has_a_frame() {
    assert_eq!(
        html("```rust\nfn\n```"),
        "<div class=\"code-block\"><div class=\"code-head\"><span class=\"code-lang\">rust</span>\
         <button class=\"code-copy\" data-copy=\"\" type=\"button\">Copy</button></div>\
         <pre tabindex=\"0\"><code class=\"language-rust\"><span class=\"tok-keyword\">fn</span>\n</code></pre></div>\n"
    );
    for source in [
        "    x < y\n",
        "```\nx < y\n```\n",
        "~~~\nx < y",
        "- a\n\n      x < y\n",
    ] {
        let html = html(source);
        assert_eq!(
            count(
                &html,
                ".code-block > pre[tabindex='0'] > code.language-text"
            ),
            1,
            "{html}"
        );
        assert!(html.contains("x &lt; y"), "{html}");
    }
}

#[test]
fn code_is_the_text_between_the_fences() {
    for (source, code) in [
        ("```\na\n\nb\n```\nc", "a\n\nb\n"),
        ("````\n```\n````", "```\n"),
        ("  ```\n  a\n b\n    c\n  ```", "a\nb\n  c\n"),
        ("```\na\n``` x\n~~~\n", "a\n``` x\n~~~\n"),
        ("```\n\tx\n", "\tx\n"),
        ("```", ""),
    ] {
        let html = html(source);
        let selector = scraper::Selector::parse("code").unwrap();
        let dom = scraper::Html::parse_fragment(&html);
        let found: String = dom.select(&selector).next().unwrap().text().collect();
        assert_eq!(found, code, "{source:?}");
    }
}

#[test]
fn html_is_text() {
    for source in [
        "a <b>c</b> <br>",
        "<div>\nx\n</div>",
        "<!-- c -->",
        "<script>\nx\n\ny</script>",
        "&lt;b>",
    ] {
        let html = html(source);
        assert_eq!(count(&html, "b, br, div, script"), 0, "{html}");
    }
    assert_eq!(
        text(&html("a <b title='x'>c</b>")),
        "a <b title='x'>c</b>\n"
    );
    assert_eq!(
        html("<div>\n*x*\n</div>"),
        "<p class=\"raw\">&lt;div&gt;\n*x*\n&lt;/div&gt;</p>\n"
    );
    // An element that is left open does not take the message with it.
    assert_eq!(
        count(
            &html("<script>\n\n*x*\n\n<style>\n```\nx\n```"),
            "em, .code-block"
        ),
        2
    );
}

#[test]
fn links_are_followed_with_care() {
    let html =
        html("[a](https://example.com/?a=b&c=d \"t\") <http://b.c> <me@d.e> [f](mailto:g@h.i)");
    assert_eq!(
        count(
            &html,
            "a[target=_blank][rel='nofollow noopener noreferrer ugc'][href]"
        ),
        4
    );
    assert!(
        html.contains("href=\"https://example.com/?a=b&amp;c=d\" title=\"t\""),
        "{html}"
    );
    assert_eq!(count(&html, "a[href='mailto:me@d.e']"), 1);
    for source in [
        "[a](/b)",
        "[a](b.html)",
        "[a](#b)",
        "[a](//b.c)",
        "[a]()",
        "[a](ftp://b.c)",
        "[a](data:,b)",
    ] {
        assert_eq!(render(source).as_str(), "<p>a</p>\n", "{source}");
    }
}

#[test]
fn images_are_links() {
    let image = html("![a *b*](https://c.d/e.png \"f\")");
    assert_eq!(
        count(&image, "a.image-link[href='https://c.d/e.png'] > em"),
        1
    );
    assert_eq!(count(&image, "img"), 0);
    assert_eq!(html("![a](data:image/png;base64,x)"), "<p>a</p>\n");
    assert_eq!(text(&html("![](https://c.d/e.png)")), "image\n");
    // Links do not nest.
    for source in [
        "[![a](https://b.c)](https://d.e)",
        "![a [b](https://b.c) c](https://d.e)",
    ] {
        assert_eq!(count(&html(source), "a"), 1, "{source}");
    }
}

#[test]
fn tables_scroll() {
    let html = html("| a | b | c |\n|:--|:-:|--:|\n| 1 | 2 | 3 |\n| 4 |\n");
    assert_eq!(
        count(
            &html,
            "div.table-scroll[tabindex='0'] > table > thead > tr > th"
        ),
        3
    );
    assert_eq!(count(&html, "table > tbody > tr > td"), 6);
    assert_eq!(
        count(&html, "td.align-left, td.align-center, td.align-right"),
        6
    );
}

#[test]
fn tasks_are_marked() {
    let html = html("- [x] a\n- [ ] b");
    assert_eq!(
        count(
            &html,
            "li > span.task-box.task-done[role=img][aria-label=Done]"
        ),
        1
    );
    assert_eq!(
        count(
            &html,
            "li > span.task-box.task-open[role=img][aria-label='Not done']"
        ),
        1
    );
}

#[test]
fn math_is_mathml() {
    for source in ["a $x^2$ b", "a \\(x^2\\) b", "- a $x^2$"] {
        assert_eq!(
            count(&html(source), "math[display=inline] msup"),
            1,
            "{source}"
        );
    }
    for source in [
        "$$x^2$$",
        "$$\nx^2\n- b\n$$",
        "\\[x^2\\]",
        "\\[\nx^2\n\\]",
        "text\n$$\nx^2\n$$\ntext",
    ] {
        assert_eq!(
            count(&html(source), "p > math[display=block] msup"),
            1,
            "{source}"
        );
    }
    let aligned = html("$$\n\\begin{aligned}\na &= b \\\\\n&= c\n\\end{aligned}\n$$");
    assert_eq!(count(&aligned, "mtable.menv-alignlike mtr"), 2, "{aligned}");
    assert_eq!(
        html("$\\bad$"),
        "<p><code class=\"math-source\">$\\bad$</code></p>\n"
    );
    assert_eq!(text(&html("$\\no<b>$")), "$\\no<b>$\n");
}

#[test]
fn money_is_no_math() {
    for source in [
        "$5 and $10",
        "**$5** and **$10**, **$20** or **$30**",
        "a $ b $ c",
        "US$5/US$10",
        "$5",
    ] {
        assert_eq!(count(&html(source), "math, .math-source"), 0, "{source}");
        assert_eq!(text(&html(source)).trim(), source.replace("**", ""));
    }
}

#[test]
fn plain_text_stays_plain() {
    assert_eq!(
        escape("*a*\n<b>\n\nc").as_str(),
        "<p>*a*<br>\n&lt;b&gt;</p>\n<p>c</p>\n"
    );
}
