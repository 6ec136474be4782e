//! The text as it came, and the same with one kind of line end.
//!
//! Everything after this module may rely on it: lines end with `\n` alone, and there is no NUL.

use std::borrow::Cow;

/// `text` with `\r\n` and `\r` as `\n`, and NUL as U+FFFD (as CommonMark wants it).
pub(crate) fn normalise(text: &str) -> Cow<'_, str> {
    if !text.contains(['\r', '\0']) {
        return Cow::Borrowed(text);
    }
    let mut source = Source::default();
    source.push(text);
    source.finish();
    Cow::Owned(source.clean.unwrap_or_default())
}

/// A growing text. A `\r` at the end waits for what follows, since `\r\n` is one line end: so what
/// [`Source::clean`] gives depends on the text alone and not on how it was cut.
#[derive(Debug, Clone, Default)]
pub(crate) struct Source {
    raw: String,
    /// Made when the first `\r` or NUL comes; most texts have none and are kept once.
    clean: Option<String>,
    pending_return: bool,
}

impl Source {
    pub(crate) fn push(&mut self, text: &str) {
        if self.clean.is_none() && text.contains(['\r', '\0']) {
            self.clean = Some(self.raw.clone());
        }
        self.raw.push_str(text);
        let Some(clean) = &mut self.clean else { return };
        for c in text.chars() {
            if std::mem::take(&mut self.pending_return) {
                clean.push('\n');
                if c == '\n' {
                    continue;
                }
            }
            match c {
                '\r' => self.pending_return = true,
                '\0' => clean.push('\u{fffd}'),
                c => clean.push(c),
            }
        }
    }

    /// No more text comes: a waiting `\r` is a line end.
    pub(crate) fn finish(&mut self) {
        if std::mem::take(&mut self.pending_return)
            && let Some(clean) = &mut self.clean
        {
            clean.push('\n');
        }
    }

    /// The text byte for byte as it came.
    pub(crate) fn raw(&self) -> &str {
        &self.raw
    }

    /// The text to work on.
    pub(crate) fn clean(&self) -> &str {
        self.clean.as_deref().unwrap_or(&self.raw)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_do_not_depend_on_the_cut() {
        let text = "a\r\nb\rc\n\r\r\n\0d\r";
        assert_eq!(normalise(text), "a\nb\nc\n\n\n\u{fffd}d\n");
        for cut in (0..=text.len()).filter(|&i| text.is_char_boundary(i)) {
            let mut source = Source::default();
            source.push(&text[..cut]);
            source.push(&text[cut..]);
            source.finish();
            assert_eq!(source.clean(), normalise(text));
            assert_eq!(source.raw(), text);
        }
    }
}
