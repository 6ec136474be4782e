//! The stored models against a real PostgreSQL, Redis and Ollama.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub
)]

mod audit;
mod fixture;
mod keys;
mod replicas;
mod rules;
mod trial;
