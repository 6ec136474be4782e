//! The server's front, as a stranger and as somebody signed in, with real services.

// A test says what went wrong by panicking; its helpers are outside of #[test] functions.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    missing_docs
)]

mod agents;
mod api;
mod api_keys;
mod api_responses;
mod api_streams;
mod api_words;
mod app;
mod audit;
#[path = "../../../crates/identity/tests/it/browser.rs"]
#[allow(dead_code, reason = "the tests of identity use more of it")]
mod browser;
mod front;
mod matrix;
#[path = "../../../crates/chat/tests/it/model.rs"]
#[allow(dead_code, reason = "the tests of the chat use more of it")]
mod model;
mod operator;
mod program;
mod proxies;
mod signed_in;
mod strangers;
