//! Who calls: `Authorization: Bearer …` (RFC 6750), and nothing else.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use onelastai_access::ApiCaller;
use onelastai_app::{session, state::AppState};
use onelastai_chat as chat;
use onelastai_gateway::key_limits;

use super::error::Failure;

/// Who calls, as of this request.
pub(super) struct Caller(pub(super) Arc<ApiCaller>, pub(super) chat::Caller);

impl FromRequestParts<AppState> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &AppState,
    ) -> Result<Self, Self::Rejection> {
        let credential = credential(&parts.headers)?;
        let origin = session::origin(parts);
        // Without one it is in no network that a key could be kept to.
        let address = origin.address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let caller = state.access.authenticate(credential, address).await?;
        let person = chat::Caller {
            user: caller.user,
            name: caller.username.clone(),
            groups: caller.groups.clone(),
            session: None,
            key: key_limits(&caller),
            origin,
        };
        Ok(Self(caller, person))
    }
}

/// The credential, if there is exactly one, in its one place.
fn credential(headers: &HeaderMap) -> Result<&str, Failure> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(one), None) = (all.next(), all.next()) else {
        return Err(Failure::no_credential());
    };
    let (scheme, credential) = one
        .to_str()
        .ok()
        .and_then(|value| value.split_once(' '))
        .ok_or_else(Failure::no_credential)?;
    let credential = credential.trim();
    if !scheme.eq_ignore_ascii_case("bearer") || credential.is_empty() {
        return Err(Failure::no_credential());
    }
    Ok(credential)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn one_bearer_and_nothing_else() {
        let found = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::AUTHORIZATION, HeaderValue::from_static(value));
            }
            credential(&headers).ok().map(str::to_owned)
        };
        assert_eq!(found(&["Bearer ola_x"]).as_deref(), Some("ola_x"));
        assert_eq!(found(&["bearer  ola_x"]).as_deref(), Some("ola_x"));
        for none in [
            &[][..],
            &["ola_x"],
            &["Basic ola_x"],
            &["Bearer "],
            &["Bearer"],
            &["Bearer a", "Bearer b"],
        ] {
            assert_eq!(found(none), None, "{none:?}");
        }
    }
}
