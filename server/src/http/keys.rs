//! The forms of API keys that show what came of them in their own page.

use axum::{
    extract::{Path, Request, State},
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::Response,
};
use onelastai_app::{
    error::AppError,
    features::api_keys::submit::{self, Answer},
    state::AppState,
};

use super::{error, form::sent, pages};

/// `POST /account/keys/new`
pub(super) async fn create(State(state): State<AppState>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let answer = async {
        let (session, fields) = sent(&state, &parts, body).await?;
        submit::create(&state, &session, &parts, fields).await
    };
    let answer = answer.await;
    show(&state, parts, answer).await
}

/// `POST /account/keys/{id}`: replaces a key.
pub(super) async fn rotate(
    State(state): State<AppState>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let answer = async {
        let (session, fields) = sent(&state, &parts, body).await?;
        submit::rotate(&state, &session, &parts, &id, &fields).await
    };
    let answer = answer.await;
    show(&state, parts, answer).await
}

async fn show(state: &AppState, parts: Parts, answer: Result<Answer, AppError>) -> Response {
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return error::app_error(&state.leptos_options, &error),
    };
    let status = StatusCode::from_u16(answer.status()).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY);
    let mut response = pages::again(state, parts, answer, status).await;
    // A key may be in it: no copy of the page is to be left anywhere.
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
