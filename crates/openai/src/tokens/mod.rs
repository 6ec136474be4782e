//! Texts that come as the numbers of their tokens, as LangChain sends them to an embeddings
//! API that it takes for OpenAI's.
//!
//! `cl100k_base` is what such clients encode with for a model that they don't know. The table
//! is OpenAI's own file (<https://openaipublic.blob.core.windows.net/encodings/cl100k_base.tiktoken>,
//! of tiktoken, MIT licence); only the way back is needed, which takes no tokeniser.

use std::sync::LazyLock;

use base64::{Engine, prelude::BASE64_STANDARD};

/// A line for each token: its bytes in base64, and its number.
const TABLE: &str = include_str!("cl100k_base.tiktoken");

/// The tokens, one after the other, and where each ends: two allocations for a hundred
/// thousand tokens. Made when the first numbers come.
static TOKENS: LazyLock<Tokens> = LazyLock::new(Tokens::read);

struct Tokens {
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl Tokens {
    fn read() -> Self {
        let mut tokens = Self {
            bytes: Vec::with_capacity(TABLE.len() / 2),
            ends: vec![0],
        };
        for line in TABLE.lines() {
            // The numbers are those of the lines; a test sees to that.
            let text = line.split(' ').next().unwrap_or_default();
            if let Ok(bytes) = BASE64_STANDARD.decode(text) {
                tokens.bytes.extend_from_slice(&bytes);
            }
            tokens
                .ends
                .push(u32::try_from(tokens.bytes.len()).unwrap_or(u32::MAX));
        }
        tokens
    }

    fn get(&self, number: u32) -> Option<&[u8]> {
        let at = usize::try_from(number).ok()?;
        let (begin, end) = (*self.ends.get(at)?, *self.ends.get(at + 1)?);
        self.bytes.get(begin as usize..end as usize)
    }
}

/// The text of these tokens. A text that was cut within a character, as long texts are, has a
/// replacement character there.
///
/// # Errors
/// The first number that is none of a token.
pub(crate) fn text_of(numbers: &[u32]) -> Result<String, u32> {
    let mut bytes = Vec::with_capacity(numbers.len() * 4);
    for number in numbers {
        bytes.extend_from_slice(TOKENS.get(*number).ok_or(*number)?);
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_token_has_the_number_of_its_line() {
        for (line, number) in TABLE.lines().zip(0u32..) {
            let (text, named) = line.split_once(' ').unwrap();
            assert_eq!(named.parse(), Ok(number));
            assert_eq!(
                TOKENS.get(number),
                BASE64_STANDARD.decode(text).ok().as_deref()
            );
        }
        assert_eq!(TOKENS.ends.len(), 100_257);
    }

    #[test]
    fn numbers_are_their_text_again() {
        assert_eq!(text_of(&[15339, 1917]).as_deref(), Ok("hello world"));
        assert_eq!(text_of(&[]).as_deref(), Ok(""));
        // Half a character is no error: the other half is in the next piece of the text.
        assert_eq!(text_of(&[127]).as_deref(), Ok("\u{fffd}"));
        assert_eq!(text_of(&[15339, 100_256]), Err(100_256));
        assert_eq!(text_of(&[u32::MAX]), Err(u32::MAX));
    }
}
