//! Small things about the person: the theme, the way to Keycloak's own pages.

use axum::{
    Form,
    extract::State,
    http::{HeaderValue, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
};
use onelastai_app::{session::page_before, state::AppState};
use onelastai_identity::safe_return_to;
use serde::Deserialize;

/// A year, in seconds.
const YEAR: u32 = 31_536_000;

/// `GET /account/profile`: Keycloak's page for name, password and devices.
pub(super) async fn profile(State(state): State<AppState>) -> Redirect {
    Redirect::to(&state.identity.settings().account_url())
}

#[derive(Deserialize)]
pub(super) struct Theme {
    theme: String,
}

/// `POST /theme`: light, dark, or as the system has it; then back to the page.
pub(super) async fn theme(
    State(state): State<AppState>,
    parts: Parts,
    Form(form): Form<Theme>,
) -> Response {
    let cookie = match form.theme.as_str() {
        "light" => format!("theme=light; Path=/; SameSite=Lax; Max-Age={YEAR}"),
        "dark" => format!("theme=dark; Path=/; SameSite=Lax; Max-Age={YEAR}"),
        _ => "theme=; Path=/; SameSite=Lax; Max-Age=0".to_owned(),
    };
    let base = &state.identity.settings().base_url;
    let page = page_before(&state, &parts).map(|page| match page.query() {
        Some(query) => format!("{}?{query}", page.path()),
        None => page.path().to_owned(),
    });
    let mut response = Redirect::to(&safe_return_to(base, page.as_deref())).into_response();
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}
