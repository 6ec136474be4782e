//! Signing in and out, over HTTP.

use axum::{
    Form,
    extract::{Query, State},
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
};
use onelastai_app::{
    error::AppError,
    session::{self, cookie, cookie_name},
    state::AppState,
};
use onelastai_identity::{Callback, IdentityError, Secret};
use serde::Deserialize;

use super::{
    cookies::{no_store, session_cookie, set_cookie},
    error,
};

/// How long a sign-in may take, in seconds; as the store keeps it.
const SIGN_IN_SECONDS: u64 = 600;

#[derive(Deserialize)]
pub(super) struct Login {
    return_to: Option<String>,
}

/// One cookie for each sign-in under way, so that two tabs don't disturb one another.
fn state_cookie(state: &str) -> String {
    format!("onelastai_signin_{}", state.get(..8).unwrap_or("x"))
}

/// `GET /auth/login`: off to Keycloak.
pub(super) async fn login(State(state): State<AppState>, Query(query): Query<Login>) -> Response {
    match state
        .identity
        .begin_sign_in(query.return_to.as_deref())
        .await
    {
        Ok(begun) => {
            let name = state_cookie(&begun.state);
            let keep = set_cookie(&state, &name, &begun.state, "/auth", SIGN_IN_SECONDS);
            let mut response = Redirect::to(begun.url.as_str()).into_response();
            response.headers_mut().append(header::SET_COOKIE, keep);
            no_store(response)
        }
        Err(error) => error::app_error(&state.leptos_options, &error.into()),
    }
}

#[derive(Deserialize)]
pub(super) struct Back {
    code: Option<String>,
    state: Option<String>,
    error: Option<String>,
}

/// `GET /auth/callback`: back from Keycloak.
pub(super) async fn callback(
    State(state): State<AppState>,
    Query(back): Query<Back>,
    parts: Parts,
) -> Response {
    let options = &state.leptos_options;
    if let Some(refusal) = back.error {
        tracing::info!(refusal, "a sign-in was cancelled or refused");
        return Redirect::to("/").into_response();
    }
    let (Some(code), Some(returned)) = (back.code, back.state) else {
        return expired(&state);
    };
    let name = state_cookie(&returned);
    let callback = Callback {
        code,
        state_of_browser: cookie(&parts.headers, &name).map(str::to_owned),
        state: returned,
        replaced: session::token(&state, &parts.headers),
        origin: session::origin(&parts),
    };
    match state.identity.finish_sign_in(callback).await {
        Ok(signed_in) => {
            let session = session_cookie(&state, &signed_in);
            let done = set_cookie(&state, &name, "", "/auth", 0);
            let mut response = Redirect::to(&signed_in.return_to).into_response();
            response.headers_mut().append(header::SET_COOKIE, session);
            response.headers_mut().append(header::SET_COOKIE, done);
            no_store(response)
        }
        Err(IdentityError::SignInExpired) => expired(&state),
        Err(IdentityError::Disabled) => error::page(
            options,
            StatusCode::FORBIDDEN,
            "This account is closed",
            "Ask the people who run this server to open it again.",
        ),
        Err(error @ (IdentityError::Denied(_) | IdentityError::Unverified(_))) => {
            tracing::warn!(%error, "a sign-in was refused");
            expired(&state)
        }
        Err(error) => error::app_error(options, &AppError::from(error)),
    }
}

fn expired(state: &AppState) -> Response {
    error::page(
        &state.leptos_options,
        StatusCode::BAD_REQUEST,
        "This sign-in is no longer good",
        "It took too long, was begun in another browser, or was used before. Please sign in again.",
    )
}

/// `POST /auth/logout`: ends the session here at once, then Keycloak's.
pub(super) async fn logout(State(state): State<AppState>, parts: Parts) -> Response {
    let token: Option<Secret> = session::token(&state, &parts.headers);
    let target = match token {
        Some(token) => {
            state
                .identity
                .sign_out(&token, &session::origin(&parts))
                .await
        }
        None => Ok(None),
    };
    let base = &state.identity.settings().base_url;
    match target {
        Ok(url) => {
            let mut response =
                Redirect::to(url.as_ref().map_or("/", |url| url.as_str())).into_response();
            let gone = set_cookie(&state, cookie_name(base), "", "/", 0);
            response.headers_mut().append(header::SET_COOKIE, gone);
            // What this browser has of us on its disk goes too.
            response
                .headers_mut()
                .insert("clear-site-data", HeaderValue::from_static("\"storage\""));
            no_store(response)
        }
        Err(error) => error::app_error(&state.leptos_options, &error.into()),
    }
}

#[derive(Deserialize)]
pub(super) struct LogoutToken {
    logout_token: String,
}

/// `POST /auth/backchannel-logout`: Keycloak says that somebody has signed out (OpenID
/// Connect Back-Channel Logout 1.0, 2.5 to 2.8).
pub(super) async fn back_channel_logout(
    State(state): State<AppState>,
    parts: Parts,
    Form(form): Form<LogoutToken>,
) -> Response {
    let origin = session::origin(&parts);
    let ended = state
        .identity
        .back_channel_logout(&form.logout_token, &origin)
        .await;
    no_store(match ended {
        Ok(ended) => {
            tracing::info!(ended, "signed out by Keycloak");
            StatusCode::OK.into_response()
        }
        Err(error @ IdentityError::Unverified(_)) => {
            tracing::warn!(%error, "a logout token was refused");
            (StatusCode::BAD_REQUEST, "The logout token is not good.").into_response()
        }
        Err(error) => {
            tracing::error!(%error, "back-channel logout");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    })
}
