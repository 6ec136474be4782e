//! The events of an answer: what is kept and replayed ([`StreamEvent`]), and what
//! a page is told ([`ViewEvent`]).

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::Currency;

/// The state of an assistant's message, and how its making ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerStatus {
    /// A model is at it.
    Generating,
    /// The model said that it was done.
    Complete,
    /// A person stopped it; what was there by then is kept.
    Stopped,
    /// The model failed; what was there by then is kept.
    Failed,
    /// The server that made it went away; what was there by then is kept.
    Interrupted,
}

impl AnswerStatus {
    /// The name as the database has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Generating => "generating",
            Self::Complete => "complete",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}

impl fmt::Display for AnswerStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for AnswerStatus {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "generating" => Ok(Self::Generating),
            "complete" => Ok(Self::Complete),
            "stopped" => Ok(Self::Stopped),
            "failed" => Ok(Self::Failed),
            "interrupted" => Ok(Self::Interrupted),
            _ => Err("not a state of an answer"),
        }
    }
}

/// Which model answers, and why that one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// Our name of the model, such as `llama3.2`.
    pub model: String,
    /// Why the router took it, in words.
    pub reason: String,
}

/// How an answer came about, besides which model wrote it and why.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Making {
    /// Where the model runs.
    pub instance: Option<String>,
    /// The wait for a free place there, in milliseconds.
    pub waiting_ms: Option<i32>,
    /// Instances that failed at it before.
    pub retries: i16,
    /// Whether another model than the wanted one answered.
    pub fallback: bool,
    /// What it cost, in millionths of the currency's unit.
    pub cost: Option<(i64, Currency)>,
    /// Whether it ended because it was as long as it might be.
    #[serde(default)]
    pub cut_off: bool,
}

/// What the person who asked thinks of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Feedback {
    /// It helped.
    Good,
    /// It did not.
    Bad,
    /// Nothing (any more).
    None,
}

/// How an answer ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finished {
    /// Never [`AnswerStatus::Generating`].
    pub status: AnswerStatus,
    /// What went wrong, as a stable name (`model_unreachable`) for programs.
    pub error: Option<String>,
    /// Tokens the model read.
    pub prompt_tokens: i32,
    /// Tokens the model wrote.
    pub completion_tokens: i32,
    /// From the send to the first token, in milliseconds.
    pub first_token_ms: Option<i32>,
    /// From the send to the end, in milliseconds.
    pub total_ms: i32,
    /// How it came about; nothing is known of one that no model took.
    #[serde(default)]
    pub making: Making,
}

/// One entry of the log of an answer. Entries are numbered from 1 without gaps;
/// replaying them from any number gives exactly the rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum StreamEvent {
    /// No model answers yet: all places are taken, or the model has to be loaded.
    Waiting {
        /// The place in the line, from 1; 0 while the model is loaded.
        position: u32,
    },
    /// A model took the work.
    Started(Started),
    /// More of the answer, as the model wrote it.
    Text {
        /// Markdown source.
        text: String,
    },
    /// The text is complete as far as it will ever be: no more of it follows.
    Written,
    /// The state is final and in the database.
    Finished(Finished),
    /// The conversation got its title.
    Title {
        /// Plain text.
        title: String,
    },
    /// Nothing follows.
    End,
}

/// What a page is told, one Server-Sent Event each: `event:` is the tag, `data:`
/// the rest as JSON, `id:` the number of the last [`StreamEvent`] it includes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", content = "data", rename_all = "snake_case")]
pub enum ViewEvent {
    /// The line under the answer says how many are first.
    Waiting {
        /// The place in the line, from 1; 0 while the model is loaded.
        position: u32,
    },
    /// A model took the work: the line under the answer says so.
    Started(Started),
    /// Append `blocks` (safe HTML) after the finished blocks, then change the tail.
    Patch {
        /// Finished blocks; may be empty.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        blocks: String,
        /// New content of the tail (safe HTML), where it changes as a whole.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tail: Option<String>,
        /// Text to put at the end of the last `<code>` of the tail.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<String>,
        /// Text to add to the last text node of the tail that is not only white space.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        prose: Option<String>,
    },
    /// Forget what is shown and take this: the whole where the log is gone, nothing where
    /// everything follows.
    Reset {
        /// Every block (safe HTML).
        blocks: String,
    },
    /// It is over.
    Finished {
        /// How it ended.
        status: AnswerStatus,
        /// The foot of the message (safe HTML): details, error, what to do next.
        foot: String,
    },
    /// The conversation has a new title.
    Title {
        /// Plain text.
        title: String,
    },
    /// Nothing follows: close the connection.
    End,
}

impl ViewEvent {
    /// The names of all of them: a browser hears none that it hasn't asked for by its name.
    pub const NAMES: [&str; 7] = [
        "waiting", "started", "patch", "reset", "finished", "title", "end",
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_keeps_its_form() {
        let text = serde_json::to_string(&StreamEvent::Text { text: "a\n".into() }).unwrap();
        assert_eq!(text, r#"{"type":"text","text":"a\n"}"#);
        assert_eq!(
            serde_json::from_str::<StreamEvent>(r#"{"type":"end"}"#).unwrap(),
            StreamEvent::End
        );
    }

    #[test]
    fn browsers_ask_for_every_event() {
        let empty = String::new;
        let started = Started {
            model: "m".to_owned(),
            reason: "asked for".to_owned(),
        };
        let all = [
            ViewEvent::Waiting { position: 1 },
            ViewEvent::Started(started),
            ViewEvent::Patch {
                blocks: empty(),
                tail: None,
                code: None,
                prose: None,
            },
            ViewEvent::Reset { blocks: empty() },
            ViewEvent::Finished {
                status: AnswerStatus::Complete,
                foot: empty(),
            },
            ViewEvent::Title { title: empty() },
            ViewEvent::End,
        ];
        let names = all.map(|event| {
            // A new event doesn't compile here: it belongs into the list above, and into `NAMES`.
            match event {
                ViewEvent::Waiting { .. }
                | ViewEvent::Started(_)
                | ViewEvent::Patch { .. }
                | ViewEvent::Reset { .. }
                | ViewEvent::Finished { .. }
                | ViewEvent::Title { .. }
                | ViewEvent::End => {}
            }
            let event = serde_json::to_value(event).unwrap();
            event["event"].as_str().unwrap_or_default().to_owned()
        });
        assert_eq!(names, ViewEvent::NAMES);
    }

    #[test]
    fn every_state_has_its_name() {
        use AnswerStatus::{Complete, Failed, Generating, Interrupted, Stopped};
        for status in [Generating, Complete, Stopped, Failed, Interrupted] {
            assert_eq!(status.as_str().parse(), Ok(status));
        }
    }
}
