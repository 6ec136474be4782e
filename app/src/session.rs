//! Who is at the other end of a request.

use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts};
use leptos::prelude::*;
use leptos_axum::ResponseOptions;
use onelastai_agents::Editor;
use onelastai_chat::Caller;
use onelastai_db::{Actor, Origin};
use onelastai_identity::{Permission, Secret, Session};
use time::{OffsetDateTime, UtcOffset};
use url::Url;

use crate::{
    error::AppError,
    features::chat::view::Viewer,
    layout::desk::{Outside, Section},
    place::Place,
    state::AppState,
    ui::browser::CLOCK_COOKIE,
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
pub fn page_before(state: &AppState, parts: &Parts) -> Option<Url> {
    let referer = parts.headers.get(header::REFERER)?.to_str().ok()?;
    let page: Url = referer.parse().ok()?;
    let here = state.places.origin(&place_of(parts));
    (page.origin().ascii_serialization() == here).then_some(page)
}

/// The host that a request came to, as the server noted it.
#[must_use]
pub fn place_of(parts: &Parts) -> Place {
    parts.extensions.get().cloned().unwrap_or(Place::Main)
}

/// [`place_of`] the request that is being answered.
#[must_use]
pub fn place() -> Place {
    use_context::<Parts>().map_or(Place::Main, |parts| place_of(&parts))
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
    // The way into an agent's host has looked already.
    if let Some(session) = parts.extensions.get::<Session>() {
        return Ok(Some(session.clone()));
    }
    let (Some(token), Some(host)) = (token(state, &parts.headers), host(parts)) else {
        return Ok(None);
    };
    Ok(state.identity.session(&token, host).await?)
}

/// Who sends this request.
///
/// # Errors
/// As [`of_request`], and [`AppError::SignedOut`] where nobody is signed in.
pub async fn required(state: &AppState, parts: &Parts) -> Result<Session, AppError> {
    of_request(state, parts).await?.ok_or(AppError::SignedOut)
}

/// The services and the request, in a page or a server function.
fn context() -> Result<(AppState, Parts), AppError> {
    use_context::<AppState>()
        .zip(use_context::<Parts>())
        .ok_or(AppError::Internal)
}

/// Whether somebody may chat at all.
///
/// # Errors
/// [`AppError::NoChat`], which says whom to ask: unlike a page of administration, the chat is
/// no secret.
pub fn may_chat(session: &Session) -> Result<(), AppError> {
    if session.may(Permission::ChatUse) {
        Ok(())
    } else {
        Err(AppError::NoChat)
    }
}

/// Who does something in the chat.
///
/// # Errors
/// [`AppError::SignedOut`] where nobody is signed in, and those of [`may_chat`].
pub async fn caller() -> Result<(AppState, Caller), AppError> {
    let (state, session, parts) = signed_in_caller().await?;
    may_chat(&session)?;
    let caller = Caller {
        user: session.user,
        name: session.username,
        groups: session.groups,
        session: Some(session.id),
        key: None,
        origin: origin(&parts),
    };
    Ok((state, caller))
}

/// What the agents' rules need to know of whoever is signed in.
#[must_use]
pub fn agents_viewer(session: &Session) -> onelastai_agents::Viewer {
    onelastai_agents::Viewer {
        user: session.user,
        groups: session.groups.clone(),
        manages: session.may(Permission::AgentsManage),
        administers: session.may(Permission::AgentsAdminister),
    }
}

/// Whoever changes an agent, as the audit log names them.
#[must_use]
pub fn editor_of(session: &Session, parts: &Parts) -> Editor {
    Editor {
        viewer: agents_viewer(session),
        name: session.username.clone(),
        origin: origin(parts),
    }
}

/// Whoever is signed in and asks for something.
///
/// # Errors
/// [`AppError::SignedOut`] where nobody is signed in.
pub async fn signed_in_caller() -> Result<(AppState, Session, Parts), AppError> {
    let (state, parts) = context()?;
    let session = required(&state, &parts).await?;
    Ok((state, session, parts))
}

/// Whoever asks for a change of an agent.
///
/// # Errors
/// As [`signed_in_caller`].
pub async fn editor() -> Result<(AppState, Editor), AppError> {
    let (state, session, parts) = signed_in_caller().await?;
    let editor = editor_of(&session, &parts);
    Ok((state, editor))
}

/// Somebody as the audit log names them.
#[must_use]
pub fn actor_of(session: &Session) -> Actor {
    Actor::User {
        id: session.user.0,
        name: session.username.clone(),
    }
}

/// Whoever is signed in and may do something. Who may not finds nothing there.
///
/// # Errors
/// As [`signed_in_caller`], and [`AppError::NotFound`].
pub async fn allowed(permission: Permission) -> Result<(AppState, Session, Parts), AppError> {
    let (state, session, parts) = signed_in_caller().await?;
    if session.may(permission) {
        Ok((state, session, parts))
    } else {
        Err(AppError::NotFound)
    }
}

/// [`allowed`], for a page.
///
/// # Errors
/// What is to be shown instead.
pub async fn desk_for(permission: Permission) -> Result<(AppState, Session), Outside> {
    match allowed(permission).await {
        Ok((state, session, _)) => Ok((state, session)),
        Err(error) => Err(Outside(error)),
    }
}

/// Who looks at a page that only the signed-in see.
///
/// # Errors
/// What is to be shown instead.
pub async fn desk() -> Result<(AppState, Session), Outside> {
    match signed_in_caller().await {
        Ok((state, session, _)) => Ok((state, session)),
        Err(error) => Err(Outside(error)),
    }
}

/// [`page_before`] of a server function's request.
#[must_use]
pub fn page_of_form() -> Option<Url> {
    let (state, parts) = context().ok()?;
    page_before(&state, &parts)
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
        if let AppError::Limit {
            retry_after: Some(seconds),
            ..
        } = error
        {
            response.insert_header(header::RETRY_AFTER, HeaderValue::from(*seconds));
        }
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

/// A moment by the clock of whoever looks at a page.
#[must_use]
pub fn local(at: OffsetDateTime) -> OffsetDateTime {
    at.to_offset(now().offset())
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
        let viewer = viewer_of(&session, &state, &place_of(&parts));
        (state, session, viewer)
    }))
}

/// The person as the corner of every page shows them. From an agent's place the other parts
/// of the product are on the main host.
#[must_use]
pub fn viewer_of(session: &Session, state: &AppState, place: &Place) -> Viewer {
    let main = match place {
        Place::Main => String::new(),
        Place::Agent(_) => state.places.origin(&Place::Main),
    };
    let sections = Section::ALL
        .into_iter()
        .filter(|section| section.is_for(session))
        .map(|section| {
            let (path, name) = section.link();
            (format!("{main}{path}"), name)
        })
        .collect();
    Viewer::new(session, sections)
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
