//! One reader of an answer: turns the numbered events into what a page shows, from
//! any number on. Rendering depends only on the text so far, so a reader that comes
//! back to another replica goes on exactly where it was.

use onelastai_markdown::{Incremental, Patch, Snapshot};
use onelastai_types::{Finished, Started, StreamEvent};

/// What a reader sees next.
#[derive(Debug)]
pub enum Seen {
    /// All places at the models are taken; this is the place in the line, from 1, or 0 while the
    /// model is loaded.
    Waiting(u32),
    /// A model took the work.
    Started(Started),
    /// The page changes so.
    Patch(Patch),
    /// It is over.
    Finished(Finished),
    /// The conversation has another title.
    Title(String),
    /// Nothing follows.
    End,
}

/// One reader and how far it is.
#[derive(Default)]
pub struct Reader {
    rendering: Incremental,
    number: u64,
}

impl Reader {
    /// A reader that has seen `events`, the first ones of the log.
    #[must_use]
    pub fn having_seen(events: &[StreamEvent]) -> Self {
        let mut reader = Self::default();
        reader.read(events);
        reader
    }

    /// The number of the last event that it has seen.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// What its page shows by now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.rendering.snapshot()
    }

    /// Takes the next events. Each result has the number up to which it leads; text that
    /// came together changes the page once.
    pub fn read(&mut self, events: &[StreamEvent]) -> Vec<(u64, Seen)> {
        let mut seen = Vec::new();
        let mut events = events.iter().peekable();
        while let Some(event) = events.next() {
            self.number += 1;
            let what = match event {
                StreamEvent::Text { text } => {
                    let mut text = text.clone();
                    while let Some(StreamEvent::Text { text: more }) = events.peek() {
                        text.push_str(more);
                        self.number += 1;
                        events.next();
                    }
                    Seen::Patch(self.rendering.push(&text))
                }
                StreamEvent::Written => Seen::Patch(self.rendering.finish()),
                StreamEvent::Waiting { position } => Seen::Waiting(*position),
                StreamEvent::Started(started) => Seen::Started(started.clone()),
                StreamEvent::Finished(finished) => Seen::Finished(finished.clone()),
                StreamEvent::Title { title } => Seen::Title(title.clone()),
                StreamEvent::End => Seen::End,
            };
            seen.push((self.number, what));
        }
        seen
    }
}

#[cfg(test)]
mod tests {
    use onelastai_markdown::Tail;

    use super::*;

    fn log() -> Vec<StreamEvent> {
        let parts = [
            "# Hi\n\nSome *te",
            "xt*\n\n```rust\nlet ",
            "a = 1;\n",
            "```\n\nEnd.",
        ];
        let mut log: Vec<_> = parts
            .iter()
            .map(|part| StreamEvent::Text {
                text: (*part).to_owned(),
            })
            .collect();
        log.push(StreamEvent::Written);
        log
    }

    /// What a page does with a patch.
    fn apply((blocks, tail): &mut (String, String), seen: Vec<(u64, Seen)>) {
        for (_, what) in seen {
            let Seen::Patch(patch) = what else { continue };
            blocks.push_str(&patch.blocks);
            match patch.tail {
                Tail::Keep => {}
                Tail::Replace(html) => *tail = html,
                // The end of the only text, in the log above.
                Tail::AppendCode(text) | Tail::AppendProse(text) => {
                    let at = tail.rfind("</code>").or_else(|| tail.find("</")).unwrap();
                    tail.insert_str(at, &text);
                }
            }
        }
    }

    #[test]
    fn a_reader_that_comes_back_at_any_point_ends_with_the_same_page() {
        let log = log();
        let whole = Reader::having_seen(&log).snapshot();
        assert!(whole.tail.is_empty() && whole.blocks.contains("<em>text</em>"));
        for cut in 0..=log.len() {
            let mut reader = Reader::having_seen(&log[..cut]);
            assert_eq!(reader.number(), cut as u64);
            let before = reader.snapshot();
            let mut page = (before.blocks, before.tail);
            for event in &log[cut..] {
                let seen = reader.read(std::slice::from_ref(event));
                apply(&mut page, seen);
            }
            assert_eq!(page, (whole.blocks.clone(), String::new()), "cut at {cut}");
        }
    }
}
