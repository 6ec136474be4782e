//! Cookies as we set them.

use axum::{
    http::{HeaderValue, header},
    response::Response,
};
use onelastai_app::{session::cookie_name, state::AppState};
use onelastai_identity::SignedIn;

/// A host-only cookie that no script can read. `seconds` 0 takes it away. Names and values
/// are ours: letters, digits, `-`, `_`.
pub(super) fn set_cookie(
    state: &AppState,
    name: &str,
    value: &str,
    path: &str,
    seconds: u64,
) -> HeaderValue {
    let secure = match state.identity.settings().base_url.scheme() {
        "https" => "; Secure",
        _ => "",
    };
    let text =
        format!("{name}={value}; Path={path}; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
}

/// The cookie of a session that has begun.
pub(super) fn session_cookie(state: &AppState, signed_in: &SignedIn) -> HeaderValue {
    let name = cookie_name(&state.identity.settings().base_url);
    let seconds = signed_in.lifetime.as_secs();
    set_cookie(state, name, signed_in.token.expose(), "/", seconds)
}

/// No cache may keep what has a cookie or a code in it.
pub(super) fn no_store(mut response: Response) -> Response {
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
