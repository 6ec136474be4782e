//! Models and agents for programs. Every call goes the same way:
//!
//! ```text
//! allowed (access) → whom it is for (a model, or an agent with its instructions)
//!                  → admitted (usage: limits, reservation) → answered (router)
//!                  → settled (usage: to the token, once), before its end is told
//! ```
//!
//! It knows neither HTTP nor the words of any API. A caller who goes away ends the answer, and
//! pays for what there was of it.

mod bound;
mod error;
mod estimate;
mod idempotency;
mod limits;
mod metered;
mod offers;
mod responses;
mod service;
mod target;

pub use error::{GatewayError, require};
pub use idempotency::{Claim, Claimed, Stored};
pub use limits::key_limits;
pub use metered::Metered;
pub use offers::Offer;
pub use responses::{KeptResponse, Link};
pub use service::{Embedded, GatewayService};
