//! What a browser makes of the HTML, and whether all of it is allowed.

use scraper::node::Element;
use scraper::{Html, Node};

/// Elements and the attributes that each may have. Written down again rather than taken from the
/// crate, so that a change there has to be made here on purpose.
const ALLOWED: &[(&str, &[&str])] = &[
    ("a", &["href", "title", "class", "target", "rel"]),
    ("blockquote", &[]),
    ("br", &[]),
    ("button", &["type", "class", "data-copy"]),
    ("code", &["class"]),
    ("del", &[]),
    ("div", &["class", "tabindex"]),
    ("em", &[]),
    ("h3", &[]),
    ("h4", &[]),
    ("h5", &[]),
    ("h6", &[]),
    ("hr", &[]),
    ("li", &[]),
    ("ol", &["start"]),
    ("p", &["class"]),
    ("pre", &["class", "tabindex"]),
    ("span", &["class", "role", "aria-label"]),
    ("strong", &[]),
    ("table", &[]),
    ("tbody", &[]),
    ("td", &["class"]),
    ("th", &["class"]),
    ("thead", &[]),
    ("tr", &[]),
    ("ul", &[]),
];

const MATHML: &str = "math merror mfrac mi mn mo mover mpadded mphantom mroot mrow mspace msqrt \
    mstyle msub msubsup msup mtable mtd mtext mtr munder munderover mmultiscripts mprescripts menclose";

const CLASSES: &str = "code-block code-head code-lang code-copy table-scroll align-left align-center \
    align-right raw task-box task-done task-open image-link math-source";

const PREFIXES: &[&str] = &["language-", "tok-", "menv-", "cell-"];

/// Panics if there is anything in `html` that the product does not want, and tells `what` it was.
pub(crate) fn assert_safe(html: &str, what: &str) {
    let dom = Html::parse_fragment(html);
    check(&dom, what, html);
    // What a browser serialises and parses again is the same: nothing mutates into something else.
    let again = Html::parse_fragment(&dom.root_element().inner_html());
    assert_eq!(dump(&dom), dump(&again), "{what}: mutates\n{html}");
    // The same where it stands in a page.
    let page = Html::parse_document(&format!(
        "<!doctype html><body><main><div>{html}</div></main>"
    ));
    let div = scraper::Selector::parse("main > div").unwrap();
    let div = page.select(&div).next().expect("the page is intact");
    let inner = Html::parse_fragment(&div.inner_html());
    assert_eq!(
        dump(&dom),
        dump(&inner),
        "{what}: depends on where it stands\n{html}"
    );
}

fn check(dom: &Html, what: &str, html: &str) {
    let mut blocks = 0;
    let mut buttons = 0;
    for node in dom.tree.root().descendants().skip(1) {
        match node.value() {
            Node::Element(element) if element.name() == "html" => {
                assert_eq!(element.attrs().count(), 0, "{what}\n{html}");
            }
            Node::Element(element) => {
                check_element(element, what, html);
                blocks += usize::from(element.attr("class") == Some("code-block"));
                buttons += usize::from(element.name() == "button");
            }
            Node::Text(_) | Node::Fragment | Node::Document => {}
            other => panic!("{what}: {other:?}\n{html}"),
        }
    }
    assert_eq!(blocks, buttons, "{what}: a button without code\n{html}");
}

fn check_element(element: &Element, what: &str, html: &str) {
    let name = element.name();
    let fail = |why: &str| panic!("{what}: {why} on <{name}>\n{html}");
    if MATHML.split(' ').any(|m| m == name) {
        assert_eq!(
            &*element.name.ns, "http://www.w3.org/1998/Math/MathML",
            "{what}\n{html}"
        );
        for (attribute, value) in element.attrs() {
            let harmless = value.len() <= 32
                && value
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || " .+-%".contains(c));
            let known = !attribute.starts_with("on")
                && !attribute.contains(':')
                && !matches!(
                    attribute,
                    "style" | "href" | "id" | "src" | "actiontype" | "encoding"
                );
            if !(harmless && known) {
                fail(attribute);
            }
        }
        return;
    }
    assert_eq!(
        &*element.name.ns, "http://www.w3.org/1999/xhtml",
        "{what}\n{html}"
    );
    let Some((_, attributes)) = ALLOWED.iter().find(|(tag, _)| *tag == name) else {
        return fail("element");
    };
    for (attribute, value) in element.attrs() {
        if !attributes.contains(&attribute) {
            fail(attribute);
        }
        let good = match attribute {
            "class" => value.split(' ').all(|class| {
                CLASSES.split_whitespace().any(|c| c == class)
                    || PREFIXES.iter().any(|prefix| class.starts_with(prefix))
            }),
            "tabindex" => value == "0",
            "start" => value.bytes().all(|b| b.is_ascii_digit()),
            "target" => value == "_blank",
            "rel" => value == "nofollow noopener noreferrer ugc",
            "type" => value == "button",
            "data-copy" => value.is_empty(),
            "role" => value == "img",
            "href" => url::Url::parse(value)
                .is_ok_and(|url| matches!(url.scheme(), "http" | "https" | "mailto")),
            _ => true,
        };
        if !good {
            fail(value);
        }
    }
    if name == "a"
        && element
            .attrs()
            .filter(|(n, _)| matches!(*n, "href" | "target" | "rel"))
            .count()
            != 3
    {
        fail("a link that is not complete");
    }
}

/// The document as text: what two documents have in common if a reader sees the same.
pub(crate) fn dump(dom: &Html) -> String {
    let mut out = String::new();
    dump_node(dom.tree.root(), &mut out);
    out
}

fn dump_node(node: ego_tree::NodeRef<'_, Node>, out: &mut String) {
    for child in node.children() {
        match child.value() {
            // Neighbouring texts are one text.
            Node::Text(text) => out.push_str(&text.replace('<', "&lt;")),
            Node::Element(element) => {
                let mut attributes: Vec<_> = element.attrs().collect();
                attributes.sort_unstable();
                out.push_str(&format!("<{} {attributes:?}>", element.name()));
                dump_node(child, out);
                out.push_str(&format!("</{}>", element.name()));
            }
            other => panic!("{other:?}"),
        }
    }
}

/// The text that is to be seen.
pub(crate) fn text(html: &str) -> String {
    Html::parse_fragment(html).root_element().text().collect()
}

/// How many elements match a CSS selector.
pub(crate) fn count(html: &str, selector: &str) -> usize {
    let selector = scraper::Selector::parse(selector).unwrap();
    Html::parse_fragment(html).select(&selector).count()
}
