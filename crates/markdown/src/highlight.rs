//! Colours for code: spans with a class for each kind of token.
//!
//! Reading code for colours needs no grammar, and a server that is to idle in a few megabytes has no
//! room for one: the usual engines hold some 8 MB of compiled expressions for each language that
//! was ever shown, take tens of milliseconds for the first block, and can be made to backtrack.
//! This reads each byte once, keeps nothing, and knows about each language only its comments,
//! strings and words.

mod language;
mod languages;
mod lexer;
mod markup;

use crate::html::push_escaped;

/// The longest code that gets colours, in bytes: the spans of more would weigh on the page.
const MAX_CODE: usize = 64 * 1024;

/// What a piece of code is; the CSS class is [`Token::class`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Plain,
    Comment,
    String,
    Number,
    Keyword,
    Constant,
    Type,
    Function,
    Variable,
    Property,
    Tag,
    Attribute,
    Meta,
    Inserted,
    Deleted,
}

impl Token {
    fn class(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Comment => "tok-comment",
            Self::String => "tok-string",
            Self::Number => "tok-number",
            Self::Keyword => "tok-keyword",
            Self::Constant => "tok-constant",
            Self::Type => "tok-type",
            Self::Function => "tok-function",
            Self::Variable => "tok-variable",
            Self::Property => "tok-property",
            Self::Tag => "tok-tag",
            Self::Attribute => "tok-attribute",
            Self::Meta => "tok-meta",
            Self::Inserted => "tok-inserted",
            Self::Deleted => "tok-deleted",
        }
    }
}

/// Whether `code` gets colours: its language is known and it is not too long.
pub(crate) fn can_highlight(label: &str, code: &str) -> bool {
    code.len() <= MAX_CODE && reader(label).is_some()
}

/// Appends `code` with its colours and tells so; or appends nothing, if [`can_highlight`] says no.
/// `label` is the language in lower case.
pub(crate) fn highlight(label: &str, code: &str, out: &mut String) -> bool {
    if code.len() > MAX_CODE {
        return false;
    }
    let Some(reader) = reader(label) else {
        return false;
    };
    let mut painter = Painter { out };
    match reader {
        Reader::Markup(read) => read(code, &mut painter),
        Reader::Words(language) => lexer::lex(language, code, &mut painter),
    }
    true
}

/// What reads a language.
enum Reader {
    Markup(fn(&str, &mut Painter<'_>)),
    Words(&'static language::Language),
}

fn reader(label: &str) -> Option<Reader> {
    match label {
        "html" | "htm" | "xhtml" | "xml" | "svg" | "vue" | "svelte" | "xsl" | "plist" => {
            Some(Reader::Markup(markup::xml))
        }
        "css" | "scss" | "less" | "sass" => Some(Reader::Markup(markup::css)),
        "diff" | "patch" => Some(Reader::Markup(markup::diff)),
        _ => languages::find(label).map(Reader::Words),
    }
}

/// Writes the tokens, which must together be the whole code.
struct Painter<'o> {
    out: &'o mut String,
}

impl Painter<'_> {
    fn put(&mut self, token: Token, text: &str) {
        if text.is_empty() {
            return;
        }
        if token == Token::Plain {
            push_escaped(self.out, text);
            return;
        }
        self.out.push_str("<span class=\"");
        self.out.push_str(token.class());
        self.out.push_str("\">");
        push_escaped(self.out, text);
        self.out.push_str("</span>");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html(label: &str, code: &str) -> String {
        let mut out = String::new();
        assert!(highlight(label, code, &mut out), "{label}");
        out
    }

    fn text(html: &str) -> String {
        scraper::Html::parse_fragment(&format!("<pre><code>{html}</code></pre>"))
            .root_element()
            .text()
            .collect()
    }

    /// The tokens with a class, as `class:text`.
    fn tokens(label: &str, code: &str) -> Vec<String> {
        let html = html(label, code);
        let spans = html.split("<span class=\"tok-").skip(1);
        spans
            .map(|s| s.split("</span>").next().unwrap().replace("\">", ":"))
            .collect()
    }

    #[test]
    fn tokens_of_common_languages() {
        for (label, code, expected) in [
            (
                "rust",
                "let x: Vec<u8> = f(\"a\\\"b\", 'c', 1.5e3); // d",
                "keyword:let type:Vec type:u8 function:f string:&quot;a\\&quot;b&quot; string:&#39;c&#39; number:1.5e3 comment:// d",
            ),
            (
                "rs",
                "#[derive(Debug)] fn a<'x>() { println!(r#\"q\"q\"#) }",
                "attribute:#[derive(Debug)] keyword:fn variable:&#39;x function:println! string:r#&quot;q&quot;q&quot;#",
            ),
            (
                "python",
                "@dec\ndef f(self):\n  '''doc\n  ''' # c\n  return None",
                "attribute:@dec keyword:def function:f variable:self string:&#39;&#39;&#39;doc\n  &#39;&#39;&#39; comment:# c keyword:return constant:None",
            ),
            (
                "ts",
                "const a = `x\n${b}`; await g<Foo>()",
                "keyword:const string:`x\n${b}` keyword:await type:Foo",
            ),
            (
                "json",
                "{\"a\": [1, true, \"b\"]}",
                "property:&quot;a&quot; number:1 constant:true string:&quot;b&quot;",
            ),
            (
                "bash",
                "for f in *.txt; do echo \"$f\" ${x} $1; done # c",
                "keyword:for keyword:in keyword:do string:&quot;$f&quot; variable:${x} variable:$1 keyword:done comment:# c",
            ),
            (
                "sql",
                "SELECT count(*) from t where a = 'x' -- c",
                "keyword:SELECT function:count keyword:from keyword:where string:&#39;x&#39; comment:-- c",
            ),
            (
                "yaml",
                "a-b: 1\n- c: \"d\" # e\n- true",
                "property:a-b number:1 property:c string:&quot;d&quot; comment:# e constant:true",
            ),
            (
                "toml",
                "[a.b]\nc = \"d\"\nx.y = 1",
                "tag:[a.b] property:c string:&quot;d&quot; property:x.y number:1",
            ),
            (
                "c",
                "#include <stdio.h>\nint main(void) { return 0; }",
                "meta:#include type:int function:main type:void keyword:return number:0",
            ),
            (
                "html",
                "<!-- c --><a href=\"x\" b>t&amp;</a>",
                "comment:&lt;!-- c --&gt; tag:&lt;a attribute:href string:&quot;x&quot; attribute:b tag:&gt; constant:&amp;amp; tag:&lt;/a tag:&gt;",
            ),
            (
                "css",
                "a.b { color: #fff; margin: 1px } /* c */",
                "tag:a.b property:color number:#fff property:margin number:1px comment:/* c */",
            ),
            (
                "diff",
                "@@ -1 +1 @@\n-a\n+b\n c",
                "meta:@@ -1 +1 @@ deleted:-a inserted:+b",
            ),
        ] {
            assert_eq!(tokens(label, code).join(" "), expected, "{label}");
        }
    }

    #[test]
    fn no_character_is_lost_or_added() {
        let hostile = "<script>'\"`/*<!--#[r#\"\\\n\t$ ${ @ é 日本 \u{1f600} 0x 1. .5 a.b:c=d -- // ]]> */ '''";
        for label in languages::labels().chain(["html", "css", "diff"]) {
            for cut in (0..hostile.len()).filter(|&i| hostile.is_char_boundary(i)) {
                for code in [&hostile[cut..], &hostile[..cut]] {
                    assert_eq!(text(&html(label, code)), code, "{label}");
                }
            }
        }
    }

    #[test]
    fn unknown_or_long_code_is_left_alone() {
        let mut out = String::new();
        assert!(!highlight("no-such-language", "x", &mut out));
        assert!(!highlight("rust", &"x".repeat(MAX_CODE + 1), &mut out));
        assert!(out.is_empty());
    }
}
