//! What a form of somebody who is signed in brings.

use axum::{
    body::{Body, to_bytes},
    http::request::Parts,
};
use onelastai_app::{error::AppError, session, state::AppState};
use onelastai_identity::Session;
use url::form_urlencoded;

/// The largest body of such a form. An agent's instructions have at most 100,000 characters, for
/// each of which a browser sends up to 12 bytes.
pub(super) const MAX_FORM: usize = 2 << 20;
/// The largest body with an agent's file, which may have 2 MB itself; the rest is around it.
pub(super) const MAX_UPLOAD: usize = (2 << 20) + 4096;

/// Who sent a form, and its fields in order.
pub(super) async fn sent(
    state: &AppState,
    parts: &Parts,
    body: Body,
) -> Result<(Session, Vec<(String, String)>), AppError> {
    let session = session::required(state, parts).await?;
    let too_long = |_| AppError::Invalid {
        field: String::new(),
        message: "That is more than this form takes.".to_owned(),
    };
    let body = to_bytes(body, MAX_FORM).await.map_err(too_long)?;
    let fields = form_urlencoded::parse(&body).into_owned().collect();
    Ok((session, fields))
}
