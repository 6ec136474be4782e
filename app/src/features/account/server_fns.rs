//! What one can do about one's own sessions. Each works as a plain form.

#![allow(missing_docs)]

use leptos::prelude::*;
use onelastai_types::UserSessionId;

use crate::error::AppError;
#[cfg(feature = "ssr")]
use crate::session::with_status;

/// Ends one of the person's own sessions, with all of the same browser.
#[server(prefix = "/api/fn", endpoint = "end_session")]
pub async fn end_session(session: UserSessionId) -> Result<(), AppError> {
    with_status(super::handlers::end(session).await)
}

/// Ends all of the person's sessions in other browsers.
#[server(prefix = "/api/fn", endpoint = "end_other_sessions")]
pub async fn end_other_sessions() -> Result<(), AppError> {
    with_status(super::handlers::end_others().await)
}
