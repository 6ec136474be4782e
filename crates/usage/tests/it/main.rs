//! Usage, on a real PostgreSQL with a database for each test (`DATABASE_URL`) and a Redis
//! server for each test, which it may flush and kill.

// A test says what went wrong by panicking; its helpers are outside of #[test] functions.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    missing_docs
)]

mod crashes;
mod exact;
mod faults;
mod fixture;
mod keys;
mod limits;
mod people;
