//! The life of an answer, on real PostgreSQL (a database for each test), real Redis, a
//! real Ollama, and for what a real one won't do on demand a model server of our own.

// A test says what went wrong by panicking; its helpers are outside of #[test] functions.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    missing_docs
)]

mod agents;
mod faults;
mod fixture;
mod life;
mod limits;
mod model;
mod replicas;
mod titles;
mod way;
