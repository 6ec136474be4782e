//! Reads code of any language that a [`Language`] describes, each byte once.

use super::language::{Language, Quote};
use super::{Painter, Token};

/// Writes all of `code`.
pub(super) fn lex(language: &Language, code: &str, painter: &mut Painter<'_>) {
    let mut lexer = Lexer {
        language,
        code,
        at: 0,
        plain: 0,
        line_start: true,
    };
    while lexer.at < code.len() {
        let start = lexer.at;
        let token = lexer.next();
        debug_assert!(lexer.at > start);
        if token != Token::Plain {
            // Plain pieces are gathered, so as not to be escaped one by one.
            painter.put(Token::Plain, &code[lexer.plain..start]);
            painter.put(token, &code[start..lexer.at]);
            lexer.plain = lexer.at;
        }
    }
    painter.put(Token::Plain, &code[lexer.plain..]);
}

struct Lexer<'c> {
    language: &'c Language,
    code: &'c str,
    at: usize,
    plain: usize,
    /// Only white space, or the dash of a list, is before `at` on its line.
    line_start: bool,
}

impl<'c> Lexer<'c> {
    fn rest(&self) -> &'c str {
        &self.code[self.at..]
    }

    /// Takes at least one character; what it took is a token of the kind that it returns.
    fn next(&mut self) -> Token {
        let Some(c) = self.rest().chars().next() else {
            return Token::Plain;
        };
        if c.is_whitespace() {
            self.line_start |= c == '\n';
            self.at += c.len_utf8();
            return Token::Plain;
        }
        let line_start = self.line_start;
        self.line_start = line_start && self.language.keys.is_some() && c == '-';
        if let Some(token) = self.comment() {
            return token;
        }
        if line_start && let Some(token) = self.line_head() {
            return token;
        }
        if let Some(token) = self.special(c) {
            return token;
        }
        if let Some(quote) = self
            .language
            .quotes
            .iter()
            .find(|q| self.rest().starts_with(q.open))
        {
            return self.string(quote);
        }
        if c.is_ascii_digit() {
            return self.number();
        }
        if self.is_word(c) {
            return self.word();
        }
        self.at += c.len_utf8();
        Token::Plain
    }

    fn take_while(&mut self, keep: impl Fn(char) -> bool) {
        self.at += self.rest().find(|c| !keep(c)).unwrap_or(self.rest().len());
    }

    /// Takes up to and with `end`, or all.
    fn take_to(&mut self, end: &str) {
        self.at += self
            .rest()
            .find(end)
            .map_or(self.rest().len(), |at| at + end.len());
    }

    fn is_word(&self, c: char) -> bool {
        c.is_alphanumeric() || c == '_' || self.language.word_chars.contains(c)
    }

    fn comment(&mut self) -> Option<Token> {
        let rest = self.rest();
        if let Some((open, close)) = self.language.block_comment
            && rest.starts_with(open)
        {
            self.at += open.len();
            self.take_to(close);
            return Some(Token::Comment);
        }
        let mark = self
            .language
            .line_comments
            .iter()
            .find(|m| rest.starts_with(**m))?;
        // In a shell, `$#` and `a#b` are no comments.
        let before = self.code[..self.at].chars().next_back();
        if *mark == "#" && before.is_some_and(|c| !c.is_whitespace() && c != ';') {
            return None;
        }
        self.take_while(|c| c != '\n');
        Some(Token::Comment)
    }

    /// What is only special as the first of a line: keys, sections, preprocessor lines.
    fn line_head(&mut self) -> Option<Token> {
        let rest = self.rest();
        if self.language.preprocessor && rest.starts_with('#') {
            self.at += 1;
            self.take_while(|c| c == ' ');
            self.take_while(|c| c.is_alphanumeric());
            return Some(Token::Meta);
        }
        let separator = self.language.keys?;
        let line = rest.lines().next().unwrap_or_default();
        if separator == '=' && line.starts_with('[') {
            self.at += line.rfind(']').map_or(line.len(), |at| at + 1);
            return Some(Token::Tag);
        }
        let end = line.find(|c: char| !(self.is_word(c) || "-./ ".contains(c)))?;
        let key = line[..end].trim_end();
        let after = &line[end + line[end..].chars().next().map_or(0, char::len_utf8)..];
        let spaced = separator != ':' || after.is_empty() || after.starts_with([' ', '=']);
        if !line[end..].starts_with(separator) || key.is_empty() || key.starts_with("- ") || !spaced
        {
            return None;
        }
        self.at += key.len();
        Some(Token::Property)
    }

    fn special(&mut self, c: char) -> Option<Token> {
        let rest = self.rest();
        let second = rest[c.len_utf8()..].chars().next().unwrap_or(' ');
        let language = self.language;
        if language.rust && (c == '\'' || rest.starts_with("#[") || rest.starts_with("#![")) {
            return Some(self.rust_mark(c));
        }
        if language.rust && matches!(c, 'r' | 'b') {
            let hashes = rest.trim_start_matches(['r', 'b']);
            let quote = hashes.trim_start_matches('#');
            let prefix = rest.len() - hashes.len();
            if prefix <= 2 && quote.starts_with('"') && rest[..prefix].contains('r') {
                let close = format!("\"{}", &hashes[..hashes.len() - quote.len()]);
                self.at += rest.len() - quote.len() + 1;
                self.take_to(&close);
                return Some(Token::String);
            }
        }
        if language.sigils.contains(c) {
            if second == '{' {
                // Only within the line: an unclosed one must not take the rest.
                let line = rest.lines().next().unwrap_or_default();
                self.at += line.find('}').map_or(1, |at| at + 1);
                return Some(Token::Variable);
            }
            if second.is_alphanumeric() || "_@*#?!$".contains(second) {
                self.at += c.len_utf8() + second.len_utf8();
                if second.is_alphanumeric() || second == '_' {
                    self.take_while(|c| c.is_alphanumeric() || c == '_');
                }
                return Some(Token::Variable);
            }
        }
        if c == '@' && language.decorators && second.is_alphabetic() {
            self.at += 1;
            self.take_while(|c| c.is_alphanumeric() || c == '_' || c == '.');
            return Some(Token::Attribute);
        }
        if c == ':' && language.symbols && second.is_alphabetic() {
            self.at += 1;
            self.take_while(|c| c.is_alphanumeric() || c == '_');
            return Some(Token::Constant);
        }
        None
    }

    /// Attributes, characters and lifetimes.
    fn rust_mark(&mut self, c: char) -> Token {
        let rest = self.rest();
        if c == '#' {
            let line = rest.lines().next().unwrap_or_default();
            self.at += line.find(']').map_or(line.len(), |at| at + 1);
            return Token::Attribute;
        }
        let mut chars = rest[1..].char_indices();
        let first = chars.next().map(|(_, c)| c);
        let second = chars.next();
        match (first, second) {
            (Some('\\'), _) => {
                let line = rest.lines().next().unwrap_or_default();
                let body = line.get(3..).unwrap_or_default();
                self.at += body.find('\'').map_or(1, |at| at + 4);
                Token::String
            }
            (Some(_), Some((at, '\''))) => {
                self.at += at + 2;
                Token::String
            }
            _ => {
                self.at += 1;
                self.take_while(|c| c.is_alphanumeric() || c == '_');
                Token::Variable
            }
        }
    }

    fn string(&mut self, quote: &Quote) -> Token {
        self.at += quote.open.len();
        loop {
            let rest = self.rest();
            let stop = |c: char| c == '\\' || c == '\n' || quote.close.starts_with(c);
            let Some(step) = rest.find(stop) else {
                self.at = self.code.len();
                break;
            };
            self.at += step;
            let rest = &rest[step..];
            if rest.starts_with(quote.close) {
                self.at += quote.close.len();
                break;
            }
            if rest.starts_with('\n') && !quote.lines {
                break;
            }
            self.at += 1;
            if rest.starts_with('\\') && quote.escapes {
                self.at += rest[1..].chars().next().map_or(0, char::len_utf8);
            }
        }
        let key = self.language.string_keys
            && self.rest().trim_start_matches([' ', '\t']).starts_with(':');
        if key { Token::Property } else { Token::String }
    }

    fn number(&mut self) -> Token {
        loop {
            self.take_while(|c| c.is_ascii_alphanumeric() || c == '_');
            let mut next = self.rest().chars();
            if next.next() == Some('.') && next.next().is_some_and(|c| c.is_ascii_digit()) {
                self.at += 1;
            } else {
                return Token::Number;
            }
        }
    }

    fn word(&mut self) -> Token {
        let start = self.at;
        let language = self.language;
        self.take_while(|c| c.is_alphanumeric() || c == '_' || language.word_chars.contains(c));
        let word = &self.code[start..self.at];
        if let Some(token) = language.token_of(word) {
            return token;
        }
        let rest = self.rest();
        if language.rust && rest.starts_with('!') && rest[1..].starts_with(['(', '[', '{']) {
            self.at += 1;
            return Token::Function;
        }
        if rest.starts_with('(') {
            return Token::Function;
        }
        if language.capital_types && word.starts_with(|c: char| c.is_uppercase()) {
            let shouting = word.len() > 1 && !word.contains(|c: char| c.is_lowercase());
            return if shouting {
                Token::Constant
            } else {
                Token::Type
            };
        }
        Token::Plain
    }
}
