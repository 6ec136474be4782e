//! Conversations, messages, and the life of an answer.
//!
//! A send writes the question, an empty answer and a generation in one transaction
//! ([`send`](ChatService::send)); a task of its own then makes the answer
//! (`generate`), appends numbered events to a log (`live`) and checkpoints the text;
//! whoever wants to see it reads the log from any number on ([`Reader`]). How it
//! ended is written once (`settle`), by the task or, when its replica went away, by
//! the [reaper](ChatService::reap).

mod allowance;
mod code;
mod conversations;
mod error;
mod feedback;
mod generate;
mod live;
mod prompt;
mod question;
mod reader;
mod send;
mod service;
mod settle;
mod sweep;
mod thread;
mod title;
mod trial;

pub use code::CODES;
pub use conversations::ConversationSummary;
pub use error::ChatError;
pub use live::{Log, RedisMirror};
pub use reader::{Reader, Seen};
pub use send::{Send, Sent};
pub use service::{Caller, ChatService, ChatSettings};
pub use thread::{Answer, Author, Conversation, Message};
pub use trial::{Trial, Trouble};
