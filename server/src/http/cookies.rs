//! Cookies as we set them.

use axum::{
    http::{HeaderValue, header},
    response::Response,
};
use onelastai_app::state::AppState;

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

/// No cache may keep what has a cookie or a code in it.
pub(super) fn no_store(mut response: Response) -> Response {
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
