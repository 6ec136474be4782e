//! Who is at the other end of a request.

use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use http::{HeaderMap, StatusCode, header, request::Parts};
use leptos::prelude::*;
use leptos_axum::ResponseOptions;
use onelastai_chat::Caller;
use onelastai_db::Origin;
use onelastai_identity::{Secret, Session};
use time::{OffsetDateTime, UtcOffset};
use url::Url;

use crate::{
    error::AppError, features::chat::view::Viewer, state::AppState, ui::browser::CLOCK_COOKIE,
};

/// The name of the session's cookie. Over TLS the `__Host-` prefix makes browsers refuse
/// one that another host set (RFC 6265bis, 4.1.3.2).
#[must_use]
pub fn cookie_name(base: &Url) -> &'static str {
    if base.scheme() == "https" {
        "__Host-onelastai_session"
    } else {
        "onelastai_session"
    }
}

/// The value of the cookie `name`, where the browser sent one.
#[must_use]
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

/// The host that a request is for, without the port.
fn host(parts: &Parts) -> Option<&str> {
    let authority = parts.headers.get(header::HOST)?.to_str().ok()?;
    Some(
        authority
            .rsplit_once(':')
            .map_or(authority, |(host, _)| host),
    )
}

/// The page of this site that a request comes from, as its `Referer` says: a form does not
/// need to carry where it stands. Never to be trusted for more than where to go next.
#[must_use]
pub fn page_before(base: &Url, headers: &HeaderMap) -> Option<Url> {
    let referer = headers.get(header::REFERER)?.to_str().ok()?;
    let page: Url = referer.parse().ok()?;
    (page.origin() == base.origin()).then_some(page)
}

/// The session token in a request's cookie.
#[must_use]
pub fn token(state: &AppState, headers: &HeaderMap) -> Option<Secret> {
    cookie(headers, cookie_name(&state.identity.settings().base_url)).map(Secret::new)
}

/// Where a request comes from.
#[must_use]
pub fn origin(parts: &Parts) -> Origin {
    Origin {
        address: parts
            .extensions
            .get::<ConnectInfo<SocketAddr>>()
            .map(|ConnectInfo(address)| address.ip()),
        user_agent: parts
            .headers
            .get(header::USER_AGENT)
            .and_then(|agent| agent.to_str().ok())
            .map(str::to_owned),
    }
}

/// Who sends this request, if anyone is signed in.
///
/// # Errors
/// [`AppError::Unavailable`] where the sessions can't be read: then nobody is let in.
pub async fn of_request(state: &AppState, parts: &Parts) -> Result<Option<Session>, AppError> {
    let (Some(token), Some(host)) = (token(state, &parts.headers), host(parts)) else {
        return Ok(None);
    };
    Ok(state.identity.session(&token, host).await?)
}

/// The services and the request, in a page or a server function.
fn context() -> Result<(AppState, Parts), AppError> {
    use_context::<AppState>()
        .zip(use_context::<Parts>())
        .ok_or(AppError::Internal)
}

/// Who does something here.
///
/// # Errors
/// [`AppError::SignedOut`] where nobody is signed in.
pub async fn caller() -> Result<(AppState, Caller), AppError> {
    let (state, parts) = context()?;
    let session = of_request(&state, &parts)
        .await?
        .ok_or(AppError::SignedOut)?;
    let caller = Caller {
        user: session.user,
        name: session.username,
        session: Some(session.id),
        origin: origin(&parts),
    };
    Ok((state, caller))
}

/// [`page_before`] of a server function's request.
#[must_use]
pub fn page_of_form() -> Option<Url> {
    let (state, parts) = context().ok()?;
    page_before(&state.identity.settings().base_url, &parts.headers)
}

/// Whether a plain form calls this server function, not our script: then the answer is a
/// page.
#[must_use]
pub fn is_plain_form() -> bool {
    use_context::<Parts>().is_some_and(|parts| {
        let accept = parts.headers.get(header::ACCEPT);
        accept
            .and_then(|accept| accept.to_str().ok())
            .is_some_and(|accept| accept.contains("text/html"))
    })
}

/// Gives the response of a server function the status that its error stands for. A plain
/// form gets a redirect instead, back to its page with the error in the address.
///
/// # Errors
/// What it was given.
pub fn with_status<T>(result: Result<T, AppError>) -> Result<T, AppError> {
    if let Err(error) = &result
        && let Some(response) = use_context::<ResponseOptions>()
        && let Ok(status) = StatusCode::from_u16(error.status())
        && !is_plain_form()
    {
        response.set_status(status);
    }
    result
}

/// What the clock of whoever looks at a page says now: UTC until their browser has told.
#[must_use]
pub fn now() -> OffsetDateTime {
    let parts = use_context::<Parts>();
    let told = parts
        .as_ref()
        .and_then(|it| cookie(&it.headers, CLOCK_COOKIE));
    OffsetDateTime::now_utc().to_offset(told.and_then(utc_offset).unwrap_or(UtcOffset::UTC))
}

/// The offset of so many minutes, if there is a place on earth where clocks have it.
fn utc_offset(minutes: &str) -> Option<UtcOffset> {
    let minutes: i32 = minutes.parse().ok()?;
    if !(-12 * 60..=14 * 60).contains(&minutes) {
        return None;
    }
    UtcOffset::from_whole_seconds(minutes * 60).ok()
}

/// Who looks at a page, if anyone is signed in.
///
/// # Errors
/// As [`of_request`].
pub async fn viewer() -> Result<Option<Viewer>, AppError> {
    Ok(signed_in().await?.map(|(_, _, viewer)| viewer))
}

/// Who looks at a page, with the services to find out more.
///
/// # Errors
/// As [`of_request`].
pub async fn signed_in() -> Result<Option<(AppState, Session, Viewer)>, AppError> {
    let (state, parts) = context()?;
    let session = of_request(&state, &parts).await?;
    Ok(session.map(|session| {
        let viewer = Viewer {
            name: session.name.clone(),
            username: session.username.clone(),
            email: session.email.clone(),
        };
        (state, session, viewer)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_may_be_ahead_or_behind() {
        let minutes = |text| utc_offset(text).map(UtcOffset::whole_minutes);
        assert_eq!(minutes("-210"), Some(-210));
        assert_eq!(minutes("840"), Some(840));
        for made_up in ["", "841", "-721", "99999999999", "1.5", "x"] {
            assert_eq!(minutes(made_up), None, "{made_up}");
        }
    }

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let mut headers = HeaderMap::new();
        headers.append(
            header::COOKIE,
            "xonelastai_session=1; onelastai_session=2".parse().unwrap(),
        );
        headers.append(header::COOKIE, "theme=dark".parse().unwrap());
        assert_eq!(cookie(&headers, "onelastai_session"), Some("2"));
        assert_eq!(cookie(&headers, "theme"), Some("dark"));
        assert_eq!(cookie(&headers, "session"), None);
    }
}
