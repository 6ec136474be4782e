//! The forms of the agent dashboard that must keep what was typed, and its files.

use axum::{
    body::Body,
    extract::{FromRequest, Multipart, Path, Request, State},
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
};
use onelastai_app::{
    error::AppError,
    features::agents::submit::{self, Outcome},
    session,
    state::AppState,
};

use super::{error, form::sent, pages};

/// `POST /agents/new`
pub(super) async fn create(State(state): State<AppState>, request: Request) -> Response {
    form(&state, None, request).await
}

/// `POST /agents/{slug}`
pub(super) async fn update(
    State(state): State<AppState>,
    Path(slug): Path<String>,
    request: Request,
) -> Response {
    form(&state, Some(&slug), request).await
}

async fn form(state: &AppState, slug: Option<&str>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    match submitted(state, slug, &parts, body).await {
        Ok(Outcome::Go(address)) => Redirect::to(&address).into_response(),
        Ok(Outcome::Show(answered, status)) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY);
            pages::again(state, parts, *answered, status).await
        }
        Err(error) => error::app_error(&state.leptos_options, &error),
    }
}

async fn submitted(
    state: &AppState,
    slug: Option<&str>,
    parts: &Parts,
    body: Body,
) -> Result<Outcome, AppError> {
    let (session, fields) = sent(state, parts, body).await?;
    submit::submit(state, &session, parts, slug, fields).await
}

/// `POST /agents/import`: a file that `export` wrote.
pub(super) async fn import(State(state): State<AppState>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    match imported(&state, &parts, body).await {
        Ok(address) => Redirect::to(&address).into_response(),
        Err(error @ (AppError::Invalid { .. } | AppError::Unavailable { .. })) => {
            let status =
                StatusCode::from_u16(error.status()).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY);
            pages::again(&state, parts, error, status).await
        }
        Err(error) => error::app_error(&state.leptos_options, &error),
    }
}

async fn imported(state: &AppState, parts: &Parts, body: Body) -> Result<String, AppError> {
    let session = session::required(state, parts).await?;
    let unreadable = |message: &str| AppError::Invalid {
        field: "file".to_owned(),
        message: message.to_owned(),
    };
    let request = Request::from_parts(parts.clone(), body);
    let mut form = Multipart::from_request(request, state)
        .await
        .map_err(|_| unreadable("Choose a file first."))?;
    while let Ok(Some(field)) = form.next_field().await {
        if field.name() == Some("file") {
            let text = field
                .text()
                .await
                .map_err(|_| unreadable("This file is too large, or it is not text."))?;
            return submit::import(state, &session, parts, &text).await;
        }
    }
    Err(unreadable("Choose a file first."))
}

/// `GET /agents/{slug}/export.json`
pub(super) async fn export(
    State(state): State<AppState>,
    Path(slug): Path<String>,
    parts: Parts,
) -> Response {
    let file = async {
        let session = session::required(&state, &parts).await?;
        let editor = session::editor_of(&session, &parts);
        Ok::<_, AppError>(state.agents.export(&editor, &slug).await?)
    };
    match file.await {
        Ok(json) => {
            let mut response = json.into_response();
            let headers = response.headers_mut();
            headers.insert(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            );
            // A slug is letters, digits and hyphens.
            let name = format!("attachment; filename=\"{slug}.agent.json\"");
            if let Ok(name) = HeaderValue::from_str(&name) {
                headers.insert(header::CONTENT_DISPOSITION, name);
            }
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
        Err(error) => error::app_error(&state.leptos_options, &error),
    }
}
