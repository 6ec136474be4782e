//! What the lexer knows of a language.

use super::Token;

/// A kind of string.
pub(super) struct Quote {
    pub(super) open: &'static str,
    pub(super) close: &'static str,
    /// A backslash takes the next character with it.
    pub(super) escapes: bool,
    /// It may go over several lines.
    pub(super) lines: bool,
}

/// Words are separated by spaces.
pub(super) struct Language {
    pub(super) labels: &'static str,
    pub(super) line_comments: &'static [&'static str],
    pub(super) block_comment: Option<(&'static str, &'static str)>,
    pub(super) quotes: &'static [Quote],
    pub(super) keywords: &'static str,
    pub(super) types: &'static str,
    pub(super) constants: &'static str,
    pub(super) variables: &'static str,
    pub(super) any_case: bool,
    /// Characters of words besides letters, digits and `_`.
    pub(super) word_chars: &'static str,
    /// Characters that start a variable.
    pub(super) sigils: &'static str,
    /// What follows a key at the start of a line.
    pub(super) keys: Option<char>,
    /// A string before a colon is a key.
    pub(super) string_keys: bool,
    /// `@name` is an attribute.
    pub(super) decorators: bool,
    /// `:name` is a constant.
    pub(super) symbols: bool,
    /// `#name` at the start of a line is for the preprocessor.
    pub(super) preprocessor: bool,
    /// Words with a capital are types.
    pub(super) capital_types: bool,
    /// Lifetimes, attributes, raw strings and macros.
    pub(super) rust: bool,
}

impl Language {
    /// What the language itself says about a word.
    pub(super) fn token_of(&self, word: &str) -> Option<Token> {
        let is_in = |words: &str| {
            words.split(' ').any(|w| {
                if self.any_case {
                    w.eq_ignore_ascii_case(word)
                } else {
                    w == word
                }
            })
        };
        match () {
            () if is_in(self.keywords) => Some(Token::Keyword),
            () if is_in(self.types) => Some(Token::Type),
            () if is_in(self.constants) => Some(Token::Constant),
            () if is_in(self.variables) => Some(Token::Variable),
            () => None,
        }
    }
}
