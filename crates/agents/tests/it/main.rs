//! Agents, on a real PostgreSQL with a database for each test (`DATABASE_URL`).

// A test says what went wrong by panicking; its helpers are outside of #[test] functions.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    missing_docs
)]

mod access;
mod cards;
mod dashboard;
mod files;
mod fixture;
mod former;
mod races;
mod saving;
mod shelf;
mod statistics;
mod versions;
