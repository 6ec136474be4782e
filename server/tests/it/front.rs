//! What holds for every response.

use axum::http::{Method, StatusCode};

use crate::app::App;

#[tokio::test]
async fn every_response_is_safe_to_show() {
    let app = App::new(&[]);
    for path in [
        "/",
        "/chat",
        "/nowhere",
        "/health/live",
        "/favicon.ico",
        "/auth/callback",
    ] {
        let answer = app.get(path).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        let policy = answer.header("content-security-policy");
        assert!(
            policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        assert!(
            !policy.contains("unsafe-eval'") || policy.contains("'wasm-unsafe-eval'"),
            "{policy}"
        );
        let script = policy
            .split(';')
            .find(|part| part.trim().starts_with("script-src"));
        assert!(
            !script.unwrap_or_default().contains("unsafe-inline"),
            "{path}: {policy}"
        );
    }
}

#[tokio::test]
async fn a_sign_in_that_nobody_began_is_refused_with_words() {
    let app = App::new(&[]);
    for query in [
        "",
        "?code=x",
        "?state=y",
        "?code=x&state=y",
        "?code=x&state=%00%ff",
    ] {
        let answer = app.get(&format!("/auth/callback{query}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        assert_eq!(answer.header("set-cookie"), "");
    }
    let cancelled = app.get("/auth/callback?error=access_denied").await;
    assert_eq!(cancelled.header("location"), "/");
}

#[tokio::test]
async fn the_sign_in_is_begun_as_it_should_be() {
    let app = App::new(&[]);
    let answer = app.get("/auth/login?return_to=//evil.example").await;
    assert!(answer.status.is_redirection());
    let location = answer.header("location");
    for part in [
        "response_type=code",
        "code_challenge_method=S256",
        "code_challenge=",
        "nonce=",
        "state=",
    ] {
        assert!(location.contains(part), "{location}");
    }
    let cookie = answer.header("set-cookie");
    for part in ["HttpOnly", "SameSite=Lax", "Path=/auth"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
}

#[tokio::test]
async fn over_tls_the_cookies_are_secure() {
    let app = App::new(&[("BASE_URL", "https://chat.example.com")]);
    let answer = app.get("/auth/login").await;
    assert!(answer.header("set-cookie").contains("; Secure"));
}

#[tokio::test]
async fn the_theme_is_kept_and_leads_back_to_the_page() {
    let app = App::new(&[]);
    let page = format!("{}/chat?agent=scribe", app.origin);
    let headers = [
        ("origin", app.origin.as_str()),
        ("referer", page.as_str()),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    let answer = app
        .call(Method::POST, "/theme", &headers, "theme=dark")
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.header("location"), "/chat?agent=scribe");
    assert!(answer.header("set-cookie").starts_with("theme=dark;"));
    let odd = app.post("/theme", "theme=%3Cscript%3E").await;
    assert!(odd.header("set-cookie").starts_with("theme=;"));
}

#[tokio::test]
async fn bodies_are_bounded() {
    let app = App::new(&[]);
    let huge = format!("theme={}", "x".repeat(1 << 20));
    let answer = app.post("/theme", &huge).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
}
