//! Asking Keycloak again who somebody is (OpenID Connect Core 1.0, 12), and ending a session
//! at Keycloak.

use openidconnect::{
    Nonce, OAuth2TokenResponse, RefreshToken, RequestTokenError, core::CoreErrorResponseType,
};

use super::{Keycloak, Told, deepest, unavailable};
use crate::{IdentityError, Secret, session::EndReason};

/// What came of a refresh. Each refresh token is good once.
pub(crate) enum Refreshed {
    /// New tokens.
    Renewed(Box<Renewed>),
    /// Keycloak's session is over, or its person may no longer sign in.
    Over(EndReason),
    /// No answer, or none that says anything about the person.
    Unknown(IdentityError),
}

/// New tokens.
pub(crate) struct Renewed {
    /// The new facts and the ID token with them; or why they can't be trusted, although the
    /// old refresh token is spent.
    pub told: Result<(Told, Secret), IdentityError>,
    pub refresh_token: Secret,
}

impl Keycloak {
    /// Spends a refresh token. Whoever calls this must see it through: if the answer is lost,
    /// so is Keycloak's session.
    pub(crate) async fn refresh(&self, refresh_token: &Secret) -> Refreshed {
        let discovered = match self.discover().await {
            Ok(discovered) => discovered,
            Err(error) => return Refreshed::Unknown(error),
        };
        let token = RefreshToken::new(refresh_token.expose().to_owned());
        let request = match discovered.oidc.exchange_refresh_token(&token) {
            Ok(request) => request,
            Err(error) => return Refreshed::Unknown(unavailable(error)),
        };
        let response = match request.request_async(&|request| self.carry(request)).await {
            Ok(response) => response,
            Err(RequestTokenError::ServerResponse(refused))
                if *refused.error() == CoreErrorResponseType::InvalidGrant =>
            {
                let why = refused.error_description().map_or("", String::as_str);
                tracing::info!(why, "Keycloak has ended a session");
                return Refreshed::Over(reason(why));
            }
            Err(RequestTokenError::ServerResponse(refused)) => {
                return Refreshed::Unknown(unavailable(refused));
            }
            Err(other) => return Refreshed::Unknown(unavailable(deepest(&other))),
        };
        let renewed = response.refresh_token().unwrap_or(&token);
        let renewed = Secret::new(renewed.secret().clone());
        // A refreshed ID token has no nonce, or the one of the sign-in, long forgotten.
        let told = self
            .verified(&discovered, &response, |_: Option<&Nonce>| Ok(()))
            .await;
        Refreshed::Renewed(Box::new(Renewed {
            told,
            refresh_token: renewed,
        }))
    }

    /// Ends Keycloak's session that a refresh token belongs to, so that the browser it lives
    /// in must sign in again.
    ///
    /// # Errors
    /// Where Keycloak is away.
    pub(crate) async fn end(&self, refresh_token: &Secret) -> Result<(), IdentityError> {
        let mut form = self.client_form();
        form.insert("refresh_token", refresh_token.expose().to_owned());
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let address = format!("{}/protocol/openid-connect/logout", self.settings.issuer());
        let answer = self
            .http
            .post(address)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body)
            .send()
            .await
            .map_err(|error| unavailable(error.without_url()))?;
        // 400 where it has ended already.
        if answer.status().is_server_error() {
            return Err(unavailable(format!("HTTP {}", answer.status().as_u16())));
        }
        Ok(())
    }
}

/// What Keycloak's words for `invalid_grant` mean; the code alone does not tell.
fn reason(description: &str) -> EndReason {
    let description = description.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| description.contains(word));
    if says(&[
        "user disabled",
        "invalid user",
        "user not found",
        "unknown user",
    ]) {
        EndReason::Disabled
    } else if says(&["stale", "reuse", "revoked"]) {
        EndReason::Revoked
    } else {
        EndReason::Expired
    }
}
