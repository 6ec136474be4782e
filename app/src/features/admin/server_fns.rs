//! What can be done to an account. Each works as a plain form.

#![allow(missing_docs)]

use leptos::prelude::*;
use onelastai_types::{Tier, UserId, UserSessionId};

use crate::error::AppError;
#[cfg(feature = "ssr")]
use crate::session::with_status;

/// Closes an account here and ends its sessions.
#[server(prefix = "/api/fn", endpoint = "disable_user")]
pub async fn disable_user(user: UserId) -> Result<(), AppError> {
    with_status(super::handlers::disable(user).await)
}

/// Opens it again.
#[server(prefix = "/api/fn", endpoint = "enable_user")]
pub async fn enable_user(user: UserId) -> Result<(), AppError> {
    with_status(super::handlers::enable(user).await)
}

/// Gives an account another tier by hand.
#[server(prefix = "/api/fn", endpoint = "set_tier_of_user")]
pub async fn set_tier_of_user(user: UserId, tier: Tier) -> Result<(), AppError> {
    with_status(super::handlers::set_tier(user, tier).await)
}

/// Ends somebody's session.
#[server(prefix = "/api/fn", endpoint = "end_session_of_user")]
pub async fn end_session_of_user(user: UserId, session: UserSessionId) -> Result<(), AppError> {
    with_status(super::handlers::end_session(user, session).await)
}
