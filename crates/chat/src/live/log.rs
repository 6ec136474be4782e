//! The log of one answer in this process: numbered events that any number of readers
//! follow, each at its own pace. Readers take from it; nothing is queued for them, so
//! a slow one costs nothing.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use onelastai_types::StreamEvent;
use tokio::sync::watch;

/// Numbered events of one answer. The first has number 1.
#[derive(Debug)]
pub struct Log {
    events: Mutex<Vec<StreamEvent>>,
    /// How many there are.
    count: watch::Sender<u64>,
    /// Nothing is added any more, though the last event is not in.
    closed: AtomicBool,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            events: Mutex::default(),
            count: watch::Sender::new(0),
            closed: AtomicBool::new(false),
        }
    }
}

impl Log {
    fn events(&self) -> MutexGuard<'_, Vec<StreamEvent>> {
        // An append either happened or not, so a panic elsewhere leaves it whole.
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an event and tells its number.
    pub(crate) fn append(&self, event: StreamEvent) -> u64 {
        let number = {
            let mut events = self.events();
            events.push(event);
            events.len() as u64
        };
        self.count.send_replace(number);
        number
    }

    /// What is there after number `after`, at once; empty where there is nothing.
    #[must_use]
    pub fn peek(&self, after: u64) -> Vec<StreamEvent> {
        let events = self.events();
        let start = usize::try_from(after)
            .unwrap_or(usize::MAX)
            .min(events.len());
        events[start..].to_vec()
    }

    /// What is there after number `after`, as soon as there is something. `None` when
    /// nothing will ever follow in this log: after [`StreamEvent::End`], or where the rest is
    /// out of reach ([`Self::is_closed`]).
    pub async fn after(&self, after: u64) -> Option<Vec<StreamEvent>> {
        let mut count = self.count.subscribe();
        loop {
            let events = self.peek(after);
            if !events.is_empty() {
                return Some(events);
            }
            if self.is_over() || self.is_closed() {
                return None;
            }
            count.changed().await.ok()?;
        }
    }

    /// Until the state of the answer is final, or nothing will follow in this log.
    pub(crate) async fn finished(&self) {
        let mut seen = 0;
        while let Some(events) = self.after(seen).await {
            if events
                .iter()
                .any(|event| matches!(event, StreamEvent::Finished(_)))
            {
                return;
            }
            seen += events.len() as u64;
        }
    }

    /// The last event is in.
    pub(crate) fn is_over(&self) -> bool {
        self.events().last() == Some(&StreamEvent::End)
    }

    /// Whoever wrote it here can't go on: what there is of the answer is in the database, and
    /// another log may have the rest.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Nothing will be added; its readers are told. One that is over stays so.
    pub(crate) fn close(&self) {
        if !self.is_over() {
            self.closed.store(true, Ordering::Release);
            self.count.send_modify(|_| {});
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn text(text: &str) -> StreamEvent {
        StreamEvent::Text { text: text.into() }
    }

    #[tokio::test]
    async fn every_reader_gets_exactly_the_rest() {
        let log = Arc::new(Log::default());
        assert_eq!(log.append(text("a")), 1);
        let reader = tokio::spawn({
            let log = log.clone();
            async move {
                let mut seen = Vec::new();
                while let Some(events) = log.after(seen.len() as u64).await {
                    seen.extend(events);
                }
                seen
            }
        });
        for part in ["b", "c"] {
            tokio::task::yield_now().await;
            log.append(text(part));
        }
        log.append(StreamEvent::End);
        let all = vec![text("a"), text("b"), text("c"), StreamEvent::End];
        assert_eq!(reader.await.unwrap(), all);
        assert_eq!(log.peek(2), all[2..]);
        assert_eq!(log.after(4).await, None);
        assert_eq!(log.peek(u64::MAX), []);
        log.close();
        assert!(!log.is_closed(), "it is whole");
    }

    #[tokio::test]
    async fn who_waits_at_a_log_that_is_closed_gets_what_there_is_and_goes() {
        let log = Arc::new(Log::default());
        log.append(text("a"));
        let waiting = tokio::spawn({
            let log = log.clone();
            async move { log.after(1).await }
        });
        tokio::task::yield_now().await;
        log.close();
        assert_eq!(waiting.await.unwrap(), None);
        assert!(log.is_closed());
        assert_eq!(log.after(0).await, Some(vec![text("a")]));
    }
}
