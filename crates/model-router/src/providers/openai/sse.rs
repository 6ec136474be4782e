//! Server-sent events (WHATWG HTML, "Server-sent events", 9.2.6), bounded.

use bytes::Bytes;

use crate::providers::lines::{Lines, TooLong};

/// The data of events out of chunks. Feed a chunk with [`Sse::push`], then take data until there
/// is none.
///
/// Comments, ids and retry times are passed over, and so are events of another kind than
/// `message` and `error`.
#[derive(Debug)]
pub(super) struct Sse {
    longest: usize,
    lines: Lines,
    data: Vec<u8>,
    /// `data` belongs to the event that is being read; otherwise it was given out.
    open: bool,
    /// The event is of a kind that is passed over.
    foreign: bool,
    started: bool,
}

impl Sse {
    /// With at most this many bytes in a line, and in an event.
    pub(super) fn new(longest: usize) -> Self {
        Self {
            longest,
            lines: Lines::new(longest),
            data: Vec::new(),
            open: false,
            foreign: false,
            started: false,
        }
    }

    /// The next chunk. All data of the one before must have been taken.
    pub(super) fn push(&mut self, chunk: Bytes) {
        self.lines.push(chunk);
    }

    /// The data of the next event, or `None` when another chunk is needed.
    pub(super) fn next(&mut self) -> Result<Option<&[u8]>, TooLong> {
        if !self.open {
            self.data.clear();
        }
        while let Some(line) = self.lines.next()? {
            let line = match line.strip_prefix(b"\xef\xbb\xbf") {
                Some(line) if !self.started => line,
                _ => line,
            };
            self.started = true;
            if !line.is_empty() {
                field(line, &mut self.data, &mut self.open, &mut self.foreign);
                if self.data.len() > self.longest {
                    return Err(TooLong);
                }
                continue;
            }
            let (open, foreign) = (self.open, self.foreign);
            (self.open, self.foreign) = (false, false);
            if open && !foreign {
                return Ok(Some(&self.data));
            }
            self.data.clear();
        }
        Ok(None)
    }

    /// The data of an event that no blank line ended, once there are no more chunks. The
    /// standard drops it, but some servers leave out the last line ends.
    pub(super) fn rest(&mut self) -> &[u8] {
        let rest = self.lines.rest();
        field(rest, &mut self.data, &mut self.open, &mut self.foreign);
        if self.open && !self.foreign {
            &self.data
        } else {
            &[]
        }
    }
}

fn field(line: &[u8], data: &mut Vec<u8>, open: &mut bool, foreign: &mut bool) {
    let (name, value) = match memchr::memchr(b':', line) {
        Some(colon) => (&line[..colon], &line[colon + 1..]),
        None => (line, &[][..]),
    };
    let value = value.strip_prefix(b" ").unwrap_or(value);
    match name {
        b"data" => {
            if *open {
                data.push(b'\n');
            }
            *open = true;
            data.extend_from_slice(value);
        }
        b"event" => *foreign = !matches!(value, b"" | b"message" | b"error"),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> (Vec<String>, String) {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let mut sse = Sse::new(64);
        let mut found = Vec::new();
        for chunk in chunks {
            sse.push(Bytes::copy_from_slice(chunk));
            while let Some(data) = sse.next().unwrap() {
                found.push(text(data));
            }
        }
        (found, text(sse.rest()))
    }

    #[test]
    fn every_way_to_cut_in_three_gives_the_same_events() {
        const TEXT: &[u8] = "\u{feff}data: one\n\n: comment\nid: 7\nretry: 9\r\ndata:two\r\ndata: lines\r\n\r\n\
            event: ping\ndata: {}\n\nevent: message\rdata:  ✨\r\rdata\n\n\n\nevent: error\ndata: e\n\ndata: rest"
            .as_bytes();
        let expected = ["one", "two\nlines", " ✨", "", "e"]
            .map(str::to_owned)
            .to_vec();
        for first in 0..=TEXT.len() {
            for second in first..=TEXT.len() {
                assert_eq!(
                    data([&TEXT[..first], &TEXT[first..second], &TEXT[second..]]),
                    (expected.clone(), "rest".to_owned()),
                    "cut at {first} and {second}"
                );
            }
        }
    }

    #[test]
    fn a_line_and_an_event_have_a_longest_length() {
        let mut sse = Sse::new(16);
        sse.push(Bytes::from_static(
            b"data: 0123456789\ndata: 01234\ndata: 6\n\n",
        ));
        assert_eq!(sse.next(), Err(TooLong));
        let mut sse = Sse::new(16);
        sse.push(Bytes::from_static(b"data: 0123456789abcdef"));
        assert_eq!(sse.next(), Err(TooLong));
    }

    #[test]
    fn nothing_is_left_after_a_blank_line() {
        assert_eq!(
            data([b"data: a\n\n".as_slice()]),
            (vec!["a".to_owned()], String::new())
        );
        assert_eq!(data([]), (vec![], String::new()));
    }
}
