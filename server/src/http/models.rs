//! The forms of the models' pages, which show what came of them in their own page.

use axum::{
    extract::{Path, Request, State},
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Redirect, Response},
};
use onelastai_app::{
    error::AppError,
    features::admin::models::submit::{self, Outcome},
    state::AppState,
};

use super::{error, form::sent, pages};

/// `POST /admin/models`: test, drain, undrain, restore.
pub(super) async fn act(State(state): State<AppState>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let outcome = async {
        let (session, fields) = sent(&state, &parts, body).await?;
        submit::act(&state, &session, &parts, &fields).await
    };
    let outcome = Box::pin(outcome).await;
    answer(&state, parts, outcome).await
}

/// `POST /admin/models/new`
pub(super) async fn add(State(state): State<AppState>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let outcome = async {
        let (session, fields) = sent(&state, &parts, body).await?;
        submit::add(&state, &session, &parts, fields).await
    };
    let outcome = outcome.await;
    answer(&state, parts, outcome).await
}

/// `POST /admin/models/{id}`: save, remove.
pub(super) async fn change(
    State(state): State<AppState>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let outcome = async {
        let (session, fields) = sent(&state, &parts, body).await?;
        submit::change(&state, &session, &parts, &id, fields).await
    };
    let outcome = outcome.await;
    answer(&state, parts, outcome).await
}

async fn answer(state: &AppState, parts: Parts, outcome: Result<Outcome, AppError>) -> Response {
    match outcome {
        Ok(Outcome::Go(address)) => Redirect::to(&address).into_response(),
        Ok(Outcome::Show(answer, status)) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY);
            pages::again(state, parts, answer, status).await
        }
        Err(error) => error::app_error(&state.leptos_options, &error),
    }
}
