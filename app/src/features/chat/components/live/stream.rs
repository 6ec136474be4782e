//! The events of an answer. The browser reconnects by itself and names the last event it
//! has; only where it gives up (a server that answers with an error) we do it again.

use std::cell::RefCell;
use std::rc::{Rc, Weak};
use std::time::Duration;

use leptos::prelude::*;
use leptos::web_sys::{Event, EventSource, MessageEvent};
use onelastai_types::ViewEvent;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;

use super::answer::{After, Answer};
use super::composer;
use crate::ui::browser::find;

/// After this many failures in a row only a reload can help.
const MOST_FAILURES: u32 = 12;

thread_local! {
    /// The one of this page. Not in a signal: those also live, and die, on the server.
    static CURRENT: Stream = Stream::new();
}

/// Follows one answer at a time.
#[derive(Clone)]
pub(super) struct Stream(Rc<Inner>);

struct Inner {
    on_event: Closure<dyn Fn(MessageEvent)>,
    on_error: Closure<dyn Fn(Event)>,
    followed: RefCell<Option<Followed>>,
}

/// The answer that is followed now.
struct Followed {
    generation: String,
    source: EventSource,
    answer: Answer,
    last: String,
    failures: u32,
}

impl Stream {
    /// The page's own.
    pub(super) fn current() -> Self {
        CURRENT.with(Clone::clone)
    }

    /// Follows nothing yet.
    fn new() -> Self {
        Self(Rc::new_cyclic(|this: &Weak<Inner>| {
            let (events, errors) = (this.clone(), this.clone());
            Inner {
                on_event: Closure::new(move |event| {
                    if let Some(this) = events.upgrade() {
                        Self(this).hear(&event);
                    }
                }),
                on_error: Closure::new(move |_| {
                    if let Some(this) = errors.upgrade() {
                        Self(this).fail();
                    }
                }),
                followed: RefCell::new(None),
            }
        }))
    }

    /// Follows the answer that was being written when the page was made, if any.
    pub(super) fn resume(&self) {
        let generation = find("[data-state=generating]")
            .and_then(|article| article.get_attribute("data-generation"));
        if let Some(generation) = generation {
            self.follow(&generation);
        }
    }

    /// Follows the answer of `generation`, which the page already shows.
    pub(super) fn follow(&self, generation: &str) {
        self.close();
        let Some(answer) = Answer::find(generation).filter(Answer::generating) else {
            composer::set_generating(None);
            return;
        };
        composer::set_generating(Some(generation));
        let last = answer.seq();
        if let Some(source) = self.open(generation, &last) {
            *self.0.followed.borrow_mut() = Some(Followed {
                generation: generation.to_owned(),
                source,
                answer,
                last,
                failures: 0,
            });
        }
    }

    /// Opens the connection, for what comes after event `last`.
    fn open(&self, generation: &str, last: &str) -> Option<EventSource> {
        let address = format!("/api/generations/{generation}/events?after={last}");
        let source = EventSource::new(&address).ok()?;
        for name in ViewEvent::NAMES {
            let listener = self.0.on_event.as_ref().unchecked_ref();
            let _ = source.add_event_listener_with_callback(name, listener);
        }
        source.set_onerror(Some(self.0.on_error.as_ref().unchecked_ref()));
        Some(source)
    }

    /// An event came in.
    fn hear(&self, message: &MessageEvent) {
        let mut followed = self.0.followed.borrow_mut();
        let Some(now) = followed.as_mut() else { return };
        now.failures = 0;
        now.answer.set_lost(false);
        let id = message.last_event_id();
        if !id.is_empty() {
            now.last = id;
        }
        // An event we don't know (a newer server's) is not for us.
        let Some(event) = decode(
            &message.type_(),
            &message.data().as_string().unwrap_or_default(),
        ) else {
            return;
        };
        match now.answer.show(event) {
            After::Listen => {}
            After::Finished => composer::set_generating(None),
            After::Close => {
                drop(followed);
                self.close();
                composer::set_generating(None);
            }
        }
    }

    /// The connection broke, or could not be made.
    fn fail(&self) {
        let mut followed = self.0.followed.borrow_mut();
        let Some(now) = followed.as_mut() else { return };
        now.answer.set_lost(true);
        if now.source.ready_state() != EventSource::CLOSED {
            // The browser itself tries again.
            return;
        }
        now.failures += 1;
        if now.failures > MOST_FAILURES {
            composer::show_error(Some(
                "The connection is gone. Reload the page to see the answer.",
            ));
            return;
        }
        let wait = Duration::from_millis(500 << now.failures.min(5));
        let this = self.clone();
        set_timeout(move || this.again(), wait);
    }

    /// Connects once more, from where the last connection ended.
    fn again(&self) {
        let mut followed = self.0.followed.borrow_mut();
        let Some(now) = followed.as_mut() else { return };
        if now.source.ready_state() == EventSource::CLOSED
            && let Some(source) = self.open(&now.generation, &now.last)
        {
            now.source = source;
        }
    }

    /// Follows nothing any more.
    fn close(&self) {
        if let Some(followed) = self.0.followed.borrow_mut().take() {
            followed.source.close();
        }
    }
}

/// What the event named `name` with `data` says.
fn decode(name: &str, data: &str) -> Option<ViewEvent> {
    if name == "end" {
        return Some(ViewEvent::End);
    }
    leptos::serde_json::from_str(&format!(r#"{{"event":"{name}","data":{data}}}"#)).ok()
}

#[cfg(test)]
mod tests {
    use onelastai_types::ViewEvent;

    use super::decode;

    #[test]
    fn each_event_is_understood() {
        let patch = ViewEvent::Patch {
            blocks: String::new(),
            tail: Some("<p>a</p>".to_owned()),
            code: None,
            prose: None,
        };
        assert_eq!(decode("patch", r#"{"tail":"<p>a</p>"}"#), Some(patch));
        assert_eq!(decode("end", "{}"), Some(ViewEvent::End));
        assert_eq!(decode("surprise", "{}"), None);
        assert_eq!(decode("patch", "not json"), None);
    }
}
