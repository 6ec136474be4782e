//! What a form of somebody who is signed in brings.

use axum::{
    body::{Body, to_bytes},
    http::request::Parts,
};
use onelastai_app::{error::AppError, session, state::AppState};
use onelastai_identity::Session;
use url::form_urlencoded;

use super::MAX_BODY;

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
    let body = to_bytes(body, MAX_BODY).await.map_err(too_long)?;
    let fields = form_urlencoded::parse(&body).into_owned().collect();
    Ok((session, fields))
}
