//! API keys with a real PostgreSQL, a real Redis and a real Keycloak.

// A test says what went wrong by panicking; its helpers are outside of #[test] functions.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    missing_docs
)]

mod entering;
mod fixture;
mod managing;
mod proxy;
mod revoking;
mod rights;
mod rotating;

// The realm that the tests of identity make in Keycloak serves here too.
#[allow(dead_code)]
#[path = "../../../identity/tests/it/browser.rs"]
mod browser;
#[allow(dead_code)]
#[path = "../../../identity/tests/it/keys.rs"]
mod keys;
#[allow(dead_code)]
#[path = "../../../identity/tests/it/realm.rs"]
mod realm;

use fixture::{service_with, variable};
