//! The way into an agent's own host without signing in twice.
//!
//! 1. A browser without a session at `chef.example.com` is sent to `/open/chef` of the main
//!    host, with a nonce that it also keeps in a cookie of `chef.example.com`.
//! 2. The main host, where the person is signed in and may use the agent, sends it back to the
//!    page it wanted, with a code that is good once, for 30 seconds, for that host and nonce.
//! 3. The agent's host trades the code for a session of its own, and shows the page.
//!
//! A private agent and one that doesn't exist look the same to whoever may not use them.

use axum::{
    extract::{Path, Query, Request, State},
    http::{HeaderMap, HeaderValue, Method, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use onelastai_agents::AgentError;
use onelastai_app::{
    error::AppError,
    layout::sign_in::sign_in_path,
    place::Place,
    session::{self, cookie, cookie_name},
    state::AppState,
};
use onelastai_identity::{IdentityError, Secret, SignedIn, safe_return_to};
use serde::Deserialize;
use url::{Url, form_urlencoded};

use super::{
    cookies::{no_store, session_cookie, set_cookie},
    error,
};

/// Carries the code in the address.
const CODE: &str = "handoff";
/// Says in the address that the main host knows nobody.
const GUEST: &str = "guest";
/// The cookie that holds the nonce, and how long it is good, in seconds. Signing in may
/// come between.
const NONCE: &str = "onelastai_entrance";
const NONCE_SECONDS: u64 = 600;

#[derive(Deserialize)]
pub(super) struct Open {
    nonce: Option<String>,
    return_to: Option<String>,
}

/// `GET /open/{slug}` of the main host: on to the agent, signed in there too.
pub(super) async fn open(
    State(state): State<AppState>,
    Path(slug): Path<String>,
    Query(query): Query<Open>,
    parts: Parts,
) -> Response {
    no_store(
        decide(&state, &slug, query, &parts)
            .await
            .unwrap_or_else(|error| error::app_error(&state.leptos_options, &error)),
    )
}

async fn decide(
    state: &AppState,
    slug: &str,
    query: Open,
    parts: &Parts,
) -> Result<Response, AppError> {
    let place = Place::Agent(slug.to_owned());
    let origin = state.places.origin(&place);
    let Ok(base) = Url::parse(&origin) else {
        return Ok(error::not_found(&state.leptos_options));
    };
    let page = page_at(&base, query.return_to.as_deref());
    let Some(session) = session::of_request(state, parts).await? else {
        return stranger(state, slug, &origin, parts).await;
    };
    let viewer = session::agents_viewer(&session);
    state.agents.by_slug(&viewer, slug).await?;
    let Some(nonce) = query.nonce.map(Secret::new) else {
        // From a link: the agent's host makes the nonce and asks again.
        return Ok(Redirect::to(&format!("{origin}{page}")).into_response());
    };
    let host = state.places.host(&place);
    let code = state
        .identity
        .begin_handoff(&session, &host, Some(&page), &nonce)
        .await?;
    let target = with_query(&format!("{origin}{page}"), CODE, code.expose());
    Ok(Redirect::to(&target).into_response())
}

/// Nobody is signed in: what is for everybody is shown, what is for everybody who signs in
/// leads to the sign-in, and of everything else there is nothing.
async fn stranger(
    state: &AppState,
    slug: &str,
    origin: &str,
    parts: &Parts,
) -> Result<Response, AppError> {
    if is_public(state, slug).await? {
        let target = with_query(&format!("{origin}/"), GUEST, "1");
        return Ok(Redirect::to(&target).into_response());
    }
    if state.agents.is_for_everybody(slug).await? {
        let here = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        return Ok(Redirect::to(&sign_in(state, here)).into_response());
    }
    Ok(error::not_found(&state.leptos_options))
}

/// The sign-in of the main host, and back to `path` there after it.
fn sign_in(state: &AppState, path: &str) -> String {
    state.places.address(&Place::Main, &sign_in_path(path))
}

/// The page of an agent's host that somebody wanted; its front where that can't be.
fn page_at(base: &Url, wanted: Option<&str>) -> String {
    match wanted {
        Some(wanted) if wanted != "/" => safe_return_to(base, Some(wanted)),
        _ => "/".to_owned(),
    }
}

/// `address` with one more parameter.
fn with_query(address: &str, name: &str, value: &str) -> String {
    match Url::parse(address) {
        Ok(mut url) => {
            url.query_pairs_mut().append_pair(name, value);
            url.into()
        }
        Err(_) => address.to_owned(),
    }
}

/// Lets people into the pages of an agent's host.
pub(super) async fn enter(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let page = path == "/" || path == "/chat" || path.starts_with("/chat/");
    let slug = match request.extensions().get() {
        Some(Place::Agent(slug)) if page && *request.method() == Method::GET => slug.clone(),
        _ => return next.run(request).await,
    };
    let (mut parts, body) = request.into_parts();
    match session::of_request(&state, &parts).await {
        // Whoever asks after us need not look again.
        Ok(Some(session)) => {
            parts.extensions.insert(session);
        }
        Ok(None) => {
            if let Some(code) = parameter(&parts, CODE) {
                return match redeem(&state, &slug, code, &parts).await {
                    Ok(signed_in) => {
                        let mut request = Request::from_parts(parts, body);
                        adopt(&state, request.headers_mut(), &signed_in);
                        welcome(&state, next.run(request).await, &signed_in)
                    }
                    Err(error) => error::app_error(&state.leptos_options, &error),
                };
            }
            if let Some(answer) = outside(&state, &slug, &parts).await {
                return answer;
            }
        }
        Err(error) => return error::app_error(&state.leptos_options, &error),
    }
    next.run(Request::from_parts(parts, body)).await
}

async fn redeem(
    state: &AppState,
    slug: &str,
    code: String,
    parts: &Parts,
) -> Result<SignedIn, AppError> {
    let nonce = cookie(&parts.headers, NONCE).map(Secret::new);
    let host = state.places.host(&Place::Agent(slug.to_owned()));
    let origin = session::origin(parts);
    state
        .identity
        .finish_handoff(&Secret::new(code), &host, nonce.as_ref(), &origin)
        .await
        .map_err(|error| match error {
            IdentityError::SignInExpired => AppError::Invalid {
                field: CODE.to_owned(),
                message: "This way in is no longer good: it was used before, took too long, or \
                          was begun in another browser. Open the agent again."
                    .to_owned(),
            },
            error => error.into(),
        })
}

/// Lets the request that brought the code go on as the person's own.
fn adopt(state: &AppState, headers: &mut HeaderMap, signed_in: &SignedIn) {
    let name = cookie_name(&state.identity.settings().base_url);
    // An old cookie of the same name must not come first.
    if let Ok(value) = HeaderValue::from_str(&format!("{name}={}", signed_in.token.expose())) {
        let rest: Vec<_> = headers.get_all(header::COOKIE).iter().cloned().collect();
        headers.insert(header::COOKIE, value);
        for value in rest {
            headers.append(header::COOKIE, value);
        }
    }
}

fn welcome(state: &AppState, mut response: Response, signed_in: &SignedIn) -> Response {
    let session = session_cookie(state, signed_in);
    let done = set_cookie(state, NONCE, "", "/", 0);
    response.headers_mut().append(header::SET_COOKIE, session);
    response.headers_mut().append(header::SET_COOKIE, done);
    no_store(response)
}

/// What somebody without a session gets at an agent's host; `None` for its public face.
async fn outside(state: &AppState, slug: &str, parts: &Parts) -> Option<Response> {
    let options = &state.leptos_options;
    let public = match is_public(state, slug).await {
        Ok(public) => public,
        Err(error) => return Some(error::app_error(options, &error)),
    };
    if public && parameter(parts, GUEST).is_some() {
        return None;
    }
    // A browser may be signed in at the main host; a program has nobody to ask.
    if !navigates(&parts.headers) {
        if public && parts.uri.path() == "/" {
            return None;
        }
        return Some(match state.agents.is_for_everybody(slug).await {
            Ok(true) => Redirect::to(&sign_in(state, &format!("/open/{slug}"))).into_response(),
            Ok(false) => error::not_found(options),
            Err(error) => error::app_error(options, &error.into()),
        });
    }
    // The one that is there already is kept: two tabs may be on their way in at once.
    let nonce = cookie(&parts.headers, NONCE)
        .filter(|nonce| nonce.len() >= 22)
        .map_or_else(Secret::random, Secret::new);
    let wanted = parts.uri.path_and_query().map_or("/", |it| it.as_str());
    let mut target = state.places.address(&Place::Main, &format!("/open/{slug}"));
    target = with_query(&target, "nonce", nonce.expose());
    target = with_query(&target, "return_to", wanted);
    let mut response = Redirect::to(&target).into_response();
    let keep = set_cookie(state, NONCE, nonce.expose(), "/", NONCE_SECONDS);
    response.headers_mut().append(header::SET_COOKIE, keep);
    Some(no_store(response))
}

/// Whether whoever isn't signed in may see that there is this agent.
async fn is_public(state: &AppState, slug: &str) -> Result<bool, AppError> {
    match state.agents.look(slug).await {
        Ok(_) => Ok(true),
        Err(AgentError::NotFound) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Whether a person's browser goes to a page (Fetch Metadata); older browsers say so only by
/// what they accept.
fn navigates(headers: &HeaderMap) -> bool {
    let says = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match says("sec-fetch-mode") {
        Some(mode) => mode == "navigate",
        None => says("accept").is_some_and(|accept| accept.contains("text/html")),
    }
}

fn parameter(parts: &Parts, name: &str) -> Option<String> {
    form_urlencoded::parse(parts.uri.query()?.as_bytes())
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_page_that_is_opened_leads_to_the_main_host() {
        let headers = |name: &'static str, value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_static(value));
            headers
        };
        assert!(navigates(&headers("sec-fetch-mode", "navigate")));
        assert!(navigates(&headers("accept", "text/html,*/*")));
        assert!(!navigates(&headers("sec-fetch-mode", "cors")));
        assert!(!navigates(&headers("accept", "*/*")));
        assert!(!navigates(&HeaderMap::new()));
    }

    #[test]
    fn the_way_back_stays_on_the_agents_host() {
        let base: Url = "http://chef.localhost:3000".parse().unwrap();
        assert_eq!(page_at(&base, None), "/");
        assert_eq!(page_at(&base, Some("/chat/1?a=b")), "/chat/1?a=b");
        for evil in [
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/auth/x",
        ] {
            assert_eq!(page_at(&base, Some(evil)), "/chat", "{evil}");
        }
    }
}
