//! Cuts a stream of bytes into lines, however the network cut it.

use bytes::Bytes;

/// A line was longer than allowed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLong;

/// Lines out of chunks; CR, LF and CRLF end one. Feed a chunk with [`Lines::push`], then take lines until there is none.
///
/// A line that lies within one chunk is lent from it without a copy, which is the usual case;
/// only what a chunk leaves unfinished is kept, at most `longest` bytes of it.
#[derive(Debug)]
pub(super) struct Lines {
    longest: usize,
    chunk: Bytes,
    /// How much of `chunk` has been given out.
    taken: usize,
    /// The beginning of a line from earlier chunks.
    partial: Vec<u8>,
    /// `partial` is a whole line that has been given out.
    stale: bool,
    /// The last line ended in CR: an LF that comes next belongs to it.
    after_cr: bool,
}

impl Lines {
    pub(super) fn new(longest: usize) -> Self {
        Self {
            longest,
            chunk: Bytes::new(),
            taken: 0,
            partial: Vec::new(),
            stale: false,
            after_cr: false,
        }
    }

    /// The next chunk. All lines of the one before must have been taken.
    pub(super) fn push(&mut self, chunk: Bytes) {
        debug_assert!(self.taken == self.chunk.len(), "lines were left");
        self.chunk = chunk;
        self.taken = 0;
    }

    /// The next whole line without its line end, or `None` when another chunk is needed.
    pub(super) fn next(&mut self) -> Result<Option<&[u8]>, TooLong> {
        if self.stale {
            self.partial.clear();
            self.stale = false;
        }
        if self.after_cr && self.taken < self.chunk.len() {
            self.taken += usize::from(self.chunk[self.taken] == b'\n');
            self.after_cr = false;
        }
        let Some(end) = memchr::memchr2(b'\n', b'\r', &self.chunk[self.taken..]) else {
            return self.keep_rest().map(|()| None);
        };
        let rest = &self.chunk[self.taken..];
        let piece = &rest[..end];
        if self.partial.len() + piece.len() > self.longest {
            return Err(TooLong);
        }
        self.taken += end + 1;
        self.after_cr = rest[end] == b'\r';
        if self.partial.is_empty() {
            return Ok(Some(piece));
        }
        self.partial.extend_from_slice(piece);
        self.stale = true;
        Ok(Some(&self.partial))
    }

    /// Keeps what the chunk leaves unfinished, and lets go of the chunk: it is a part of the
    /// connection's buffer, and as long as it is held the next read needs another one.
    fn keep_rest(&mut self) -> Result<(), TooLong> {
        let chunk = std::mem::take(&mut self.chunk);
        let rest = &chunk[std::mem::take(&mut self.taken)..];
        if self.partial.len() + rest.len() > self.longest {
            return Err(TooLong);
        }
        self.after_cr &= rest.is_empty();
        self.partial.extend_from_slice(rest);
        Ok(())
    }

    /// What is left after the last line end, once there are no more chunks.
    pub(super) fn rest(&self) -> &[u8] {
        if self.stale { &[] } else { &self.partial }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = "{\"a\":1}\n\r\n\nзвезда ✨\r\n{\"b\":2}\r\rrest".as_bytes();

    /// All lines and the rest, when `text` arrives in these chunks.
    fn lines<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> (Vec<String>, String) {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let mut lines = Lines::new(64);
        let mut found = Vec::new();
        for chunk in chunks {
            lines.push(Bytes::copy_from_slice(chunk));
            while let Some(line) = lines.next().unwrap() {
                found.push(text(line));
            }
        }
        (found, text(lines.rest()))
    }

    fn expected() -> (Vec<String>, String) {
        let lines = ["{\"a\":1}", "", "", "звезда ✨", "{\"b\":2}", ""];
        (lines.map(str::to_owned).to_vec(), "rest".to_owned())
    }

    #[test]
    fn every_way_to_cut_in_three_gives_the_same_lines() {
        for first in 0..=TEXT.len() {
            for second in first..=TEXT.len() {
                let chunks = [&TEXT[..first], &TEXT[first..second], &TEXT[second..]];
                assert_eq!(lines(chunks), expected(), "cut at {first} and {second}");
            }
        }
    }

    #[test]
    fn every_chunk_size_gives_the_same_lines() {
        for size in 1..=TEXT.len() {
            assert_eq!(lines(TEXT.chunks(size)), expected(), "chunks of {size}");
        }
    }

    #[test]
    fn no_rest_after_a_line_end() {
        assert_eq!(
            lines([b"a".as_slice(), b"b\n"]),
            (vec!["ab".to_owned()], String::new())
        );
        assert_eq!(lines([]), (vec![], String::new()));
    }

    #[test]
    fn a_line_has_a_longest_length_in_one_chunk_and_over_many() {
        let mut lines = Lines::new(4);
        lines.push(Bytes::from_static(b"abcd\nabcde\n"));
        assert_eq!(lines.next(), Ok(Some(b"abcd".as_slice())));
        assert_eq!(lines.next(), Err(TooLong));

        let mut lines = Lines::new(4);
        lines.push(Bytes::from_static(b"abc"));
        assert_eq!(lines.next(), Ok(None));
        lines.push(Bytes::from_static(b"de"));
        assert_eq!(lines.next(), Err(TooLong));
        assert!(lines.partial.len() <= 4, "no more is kept than allowed");
    }
}
