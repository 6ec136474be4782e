//! What is done to a key with one press. It works as a plain form.

#![allow(missing_docs)]

use leptos::prelude::*;
use onelastai_types::ApiKeyId;

use crate::error::AppError;
#[cfg(feature = "ssr")]
use crate::session::with_status;

/// Takes one of the person's own keys back.
#[server(prefix = "/api/fn", endpoint = "revoke_key")]
pub async fn revoke_key(api_key: ApiKeyId) -> Result<(), AppError> {
    with_status(super::handlers::revoke(api_key).await)
}
