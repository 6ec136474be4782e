//! Tests of the crate as its users see it. What comes out is read by a real HTML parser.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod dialect;
mod dom;
mod limits;
mod random;
mod streaming;
mod xss;
