//! Languages that are not made of words: markup, style sheets and differences.

use super::{Painter, Token};

/// HTML, XML and what looks like it.
pub(super) fn xml(code: &str, painter: &mut Painter<'_>) {
    let mut rest = code;
    while let Some(at) = rest.find(['<', '&']) {
        painter.put(Token::Plain, &rest[..at]);
        rest = &rest[at..];
        let (end, token) = if rest.starts_with("<!--") {
            (find_end(rest, "-->"), Token::Comment)
        } else if rest.starts_with("<!") || rest.starts_with("<?") {
            (find_end(rest, ">"), Token::Meta)
        } else if let Some(entity) = rest.strip_prefix('&') {
            let is_name = |b: &u8| b.is_ascii_alphanumeric() || *b == b'#';
            let name = entity.bytes().take(32).take_while(is_name).count();
            let closed = name > 0 && entity[name..].starts_with(';');
            if closed {
                (name + 2, Token::Constant)
            } else {
                (1, Token::Plain)
            }
        } else {
            rest = tag(rest, painter);
            continue;
        };
        painter.put(token, &rest[..end]);
        rest = &rest[end..];
    }
    painter.put(Token::Plain, rest);
}

/// Writes a tag that `code` starts with and returns what follows.
fn tag<'c>(code: &'c str, painter: &mut Painter<'_>) -> &'c str {
    let name = code[1..]
        .find(|c: char| !is_name(c) && c != '/')
        .map_or(code.len(), |at| at + 1);
    if !code[1..name].contains(|c: char| c.is_alphabetic()) {
        painter.put(Token::Plain, &code[..1]);
        return &code[1..];
    }
    painter.put(Token::Tag, &code[..name]);
    let mut rest = &code[name..];
    while let Some(c) = rest.chars().next() {
        let (end, token) = match c {
            '>' => {
                painter.put(Token::Tag, ">");
                return &rest[1..];
            }
            '<' => return rest,
            '"' | '\'' => (
                rest[1..].find(c).map_or(rest.len(), |at| at + 2),
                Token::String,
            ),
            _ if is_name(c) => (
                rest.find(|c| !is_name(c)).unwrap_or(rest.len()),
                Token::Attribute,
            ),
            _ => (c.len_utf8(), Token::Plain),
        };
        painter.put(token, &rest[..end]);
        rest = &rest[end..];
    }
    rest
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '-' | '_' | ':' | '.' | '@')
}

fn find_end(code: &str, end: &str) -> usize {
    code.find(end).map_or(code.len(), |at| at + end.len())
}

/// CSS, SCSS and Less.
pub(super) fn css(code: &str, painter: &mut Painter<'_>) {
    let mut rest = code;
    let mut depth = 0_usize;
    while let Some(c) = rest.chars().next() {
        let word = |from: &str| from.find(|c: char| !is_css(c)).unwrap_or(from.len());
        let (end, token) = match c {
            '/' if rest.starts_with("/*") => (find_end(rest, "*/"), Token::Comment),
            '/' if rest.starts_with("//") => {
                (rest.find('\n').unwrap_or(rest.len()), Token::Comment)
            }
            '"' | '\'' => {
                let line = rest.lines().next().unwrap_or_default();
                (
                    line[1..].find(c).map_or(line.len(), |at| at + 2),
                    Token::String,
                )
            }
            '@' => (1 + word(&rest[1..]), Token::Keyword),
            '$' => (1 + word(&rest[1..]), Token::Variable),
            '#' if depth > 0 => (1 + word(&rest[1..]), Token::Number),
            '0'..='9' => {
                let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '%');
                (end.unwrap_or(rest.len()), Token::Number)
            }
            _ if is_css(c) && depth > 0 => {
                let end = word(rest);
                let after = rest[end..].trim_start_matches(' ');
                let token = match after.as_bytes().first() {
                    Some(b':') => Token::Property,
                    Some(b'(') => Token::Function,
                    _ if rest.starts_with("--") => Token::Variable,
                    _ => Token::Plain,
                };
                (end, token)
            }
            _ if is_css(c) || matches!(c, '.' | '#') => {
                let end = rest[1..].find(|c: char| !is_css(c) && c != '.' && c != '#');
                let end = end.map_or(rest.len(), |at| at + 1);
                (rest.ceil_char_boundary(end), Token::Tag)
            }
            _ => (c.len_utf8(), Token::Plain),
        };
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        painter.put(token, &rest[..end]);
        rest = &rest[end..];
    }
}

fn is_css(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_')
}

/// A difference between files.
pub(super) fn diff(code: &str, painter: &mut Painter<'_>) {
    for line in code.split_inclusive('\n') {
        let text = line.trim_end_matches('\n');
        let token = match text.as_bytes() {
            [b'@', b'@', ..] | [b'+', b'+', b'+', ..] | [b'-', b'-', b'-', ..] => Token::Meta,
            [b'd', b'i', b'f', b'f', b' ', ..] | [b'i', b'n', b'd', b'e', b'x', b' ', ..] => {
                Token::Meta
            }
            [b'+', ..] => Token::Inserted,
            [b'-', ..] => Token::Deleted,
            _ => Token::Plain,
        };
        painter.put(token, text);
        painter.put(Token::Plain, &line[text.len()..]);
    }
}
