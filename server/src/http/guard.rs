//! What holds for every request: no change from a foreign page, no way to frame or sniff.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use onelastai_app::{place::Place, state::AppState};

/// Refuses a change that no page of ours asked for. A cookie proves who the browser is,
/// not who made it act; `Origin` and `Sec-Fetch-Site` are set by the browser and can't be
/// forged by a page. Subdomains are other origins, so one agent's page can't act on the
/// main host either. See docs/decisions/0004-csrf.md.
pub(super) async fn same_origin(
    State(state): State<AppState>,
    request: Request,
    next: Next,
) -> Response {
    let reads = matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    );
    // Of the very host that the request came to: one agent's page can't act on another's.
    let place = request.extensions().get().unwrap_or(&Place::Main);
    let ours = state.places.origin(place);
    if reads || is_from(&ours, request.headers()) {
        next.run(request).await
    } else {
        tracing::warn!(
            path = request.uri().path(),
            "refused a change from another origin"
        );
        (
            StatusCode::FORBIDDEN,
            "This request did not come from a page of this site.",
        )
            .into_response()
    }
}

/// Browsers send `Origin` with every POST. Without one, `Sec-Fetch-Site` must say that it
/// was our own page; without both it is refused.
fn is_from(ours: &str, headers: &HeaderMap) -> bool {
    let fetch_site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    let mut origins = headers.get_all(header::ORIGIN).iter();
    match (origins.next(), origins.next()) {
        (Some(origin), None) => origin.as_bytes() == ours.as_bytes(),
        (Some(_), Some(_)) => false,
        (None, _) => fetch_site == Some(b"same-origin"),
    }
}

/// Tells programs when to come back after "not just now" (RFC 9110, 10.2.3): what is away or
/// exhausted is usually back within seconds.
pub(super) async fn retry_after(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if response.status() == StatusCode::SERVICE_UNAVAILABLE {
        response
            .headers_mut()
            .entry(header::RETRY_AFTER)
            .or_insert(HeaderValue::from_static("5"));
    }
    response
}

/// For every response. Pages bring a policy with a nonce; for everything else nothing is
/// allowed at all.
pub(super) async fn security_headers(request: Request, next: Next) -> Response {
    const HEADERS: [(HeaderName, &str); 5] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), geolocation=(), microphone=(), payment=()",
        ),
    ];
    let mut response = next.run(request).await;
    for (name, value) in HEADERS {
        response
            .headers_mut()
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    response
        .headers_mut()
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static(
            "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
        ));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn only_our_own_pages_change_anything() {
        let ours = "http://localhost:3000";
        for good in [
            headers(&[("origin", "http://localhost:3000")]),
            headers(&[("sec-fetch-site", "same-origin")]),
        ] {
            assert!(is_from(ours, &good), "{good:?}");
        }
        for bad in [
            headers(&[]),
            headers(&[("origin", "null")]),
            headers(&[("origin", "https://evil.example")]),
            headers(&[("origin", "http://chef.localhost:3000")]),
            headers(&[("origin", "http://localhost:3001")]),
            headers(&[
                ("origin", "http://localhost:3000"),
                ("origin", "https://evil.example"),
            ]),
            headers(&[
                ("origin", "https://evil.example"),
                ("sec-fetch-site", "same-origin"),
            ]),
            headers(&[("sec-fetch-site", "same-site")]),
            headers(&[("referer", "http://localhost:3000/chat")]),
        ] {
            assert!(!is_from(ours, &bad), "{bad:?}");
        }
    }
}
