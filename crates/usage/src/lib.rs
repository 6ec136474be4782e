//! Limits, reservations and settlement of use, right to the token.
//!
//! A request is [admitted](UsageService::admit) in one round trip to Redis, which checks
//! every limit of the person's tier and of the API key and reserves what the request may
//! take at most. When it has ended it is [settled](UsageService::settle): once, in
//! PostgreSQL, together with whatever else ended in that moment; then Redis puts what was
//! taken in the place of what was reserved. What a process leaves behind is settled by
//! [another](UsageService::reap).
//!
//! PostgreSQL has what was used; Redis has what counts against a limit just now, and may
//! lose it (`docs/decisions/0011-usage.md`).

mod admission;
mod admit;
mod alone;
mod ask;
mod calendar;
mod clock;
mod counters;
mod error;
mod known;
mod limits;
mod local;
mod queue;
mod rate;
mod reap;
mod record;
mod redis_side;
mod rows;
mod service;
mod standing;
mod sums;
mod window;

pub use admission::Admission;
pub use ask::{Ask, Cost, KeyLimits, Outcome};
pub use clock::Clock;
pub use error::UsageError;
pub use limits::{Limit, Scope, TierLimits};
pub use queue::Settled;
pub use rate::{Level, RateLimit, Rates};
pub use service::{UsageService, UsageSettings};
pub use standing::Standing;
