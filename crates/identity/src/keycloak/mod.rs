//! OpenID Connect with Keycloak: authorization code with PKCE
//! (OpenID Connect Core 1.0; RFC 7636; RFC 9700).

mod admin;
mod claims;
mod discovery;
mod oidc;
mod refresh;
mod signed;

use std::{collections::HashMap, future::Future, sync::Arc, time::Duration};

use openidconnect::{
    AuthenticationFlow, AuthorizationCode, ClaimsVerificationError, CsrfToken, HttpRequest,
    HttpResponse, Nonce, NonceVerifier, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier,
    RequestTokenError, Scope, core::CoreResponseType,
};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use url::Url;

pub use admin::BackendClient;
pub(crate) use admin::{EVENTS_AT_ONCE, Event, RoleRepresentation, ServiceToken};
pub(crate) use claims::{Grants, Told};
pub(crate) use refresh::{Refreshed, Renewed};
pub(crate) use signed::{Audience, LEEWAY, Signed, check_times, now, number, unverified};

use discovery::{Discovered, Discovery};
use oidc::{ALGORITHMS, Claims, Oidc, Token, TokenResponse};

use crate::{IdentityError, Secret};

/// How long Keycloak may take for one answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Where Keycloak is and who we are to it.
#[derive(Debug, Clone)]
pub struct KeycloakSettings {
    /// Keycloak's own address, such as `https://id.example.com`.
    pub url: Url,
    /// The realm.
    pub realm: String,
    /// Our client's id.
    pub client_id: String,
    /// Our client's secret.
    pub client_secret: Secret,
    /// The client that looks after users, if it is set up.
    pub backend: Option<BackendClient>,
    /// Our own public address, such as `https://chat.example.com`.
    pub base_url: Url,
}

impl KeycloakSettings {
    /// The issuer: the realm's address.
    #[must_use]
    pub fn issuer(&self) -> String {
        format!(
            "{}/realms/{}",
            self.url.as_str().trim_end_matches('/'),
            self.realm
        )
    }

    /// Where Keycloak sends the browser back to.
    #[must_use]
    pub fn redirect_uri(&self) -> String {
        format!(
            "{}/auth/callback",
            self.base_url.as_str().trim_end_matches('/')
        )
    }

    /// Keycloak's page for one's profile, password and devices.
    #[must_use]
    pub fn account_url(&self) -> String {
        format!("{}/account", self.issuer())
    }
}

/// A sign-in that was sent to Keycloak: what must be remembered until it comes back.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Pending {
    pub nonce: String,
    pub verifier: Secret,
    pub return_to: String,
}

/// What a sign-in or a refresh brought.
pub(crate) struct Tokens {
    pub told: Told,
    pub id_token: Secret,
    pub refresh_token: Secret,
}

/// Keycloak, as far as we have met it.
pub(crate) struct Keycloak {
    pub settings: KeycloakSettings,
    pub http: reqwest::Client,
    discovery: Discovery,
    service_token: Mutex<Option<ServiceToken>>,
    client_number: Mutex<Option<String>>,
}

fn unavailable(error: impl std::fmt::Display) -> IdentityError {
    IdentityError::KeycloakUnavailable(error.to_string())
}

impl Keycloak {
    pub(crate) fn new(settings: KeycloakSettings) -> Result<Self, IdentityError> {
        let http = reqwest::Client::builder()
            // Following a redirect would take the client's secret with it.
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(Duration::from_secs(3))
            .timeout(PATIENCE)
            .build()
            .map_err(unavailable)?;
        Ok(Self {
            settings,
            http,
            discovery: Discovery::default(),
            service_token: Mutex::default(),
            client_number: Mutex::default(),
        })
    }

    /// Carries a request of `openidconnect` with our own HTTP client.
    fn carry(
        &self,
        request: HttpRequest,
    ) -> impl Future<Output = Result<HttpResponse, reqwest::Error>> + Send + use<> {
        let http = self.http.clone();
        async move {
            let (parts, body) = request.into_parts();
            let response = http
                .request(parts.method, parts.uri.to_string())
                .headers(parts.headers)
                .body(body)
                .send()
                .await?;
            let mut carried = HttpResponse::new(Vec::new());
            *carried.status_mut() = response.status();
            *carried.headers_mut() = response.headers().clone();
            *carried.body_mut() = response.bytes().await?.to_vec();
            Ok(carried)
        }
    }

    /// Where to send the browser, the state that comes back, and what to remember.
    pub(crate) async fn begin(
        &self,
        return_to: String,
    ) -> Result<(Url, String, Pending), IdentityError> {
        let discovered = self.discover().await?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (url, state, nonce) = discovered
            .oidc
            .authorize_url(
                AuthenticationFlow::<CoreResponseType>::AuthorizationCode,
                || CsrfToken::new_random_len(32),
                || Nonce::new_random_len(32),
            )
            .add_scope(Scope::new("profile".to_owned()))
            .add_scope(Scope::new("email".to_owned()))
            .set_pkce_challenge(challenge)
            .url();
        let pending = Pending {
            nonce: nonce.secret().clone(),
            verifier: Secret::new(verifier.into_secret()),
            return_to,
        };
        Ok((url, state.into_secret(), pending))
    }

    /// Trades the code that came back for a person.
    pub(crate) async fn finish(
        &self,
        code: String,
        pending: &Pending,
    ) -> Result<Tokens, IdentityError> {
        let discovered = self.discover().await?;
        let response = discovered
            .oidc
            .exchange_code(AuthorizationCode::new(code))
            .map_err(unavailable)?
            .set_pkce_verifier(PkceCodeVerifier::new(pending.verifier.expose().to_owned()))
            .request_async(&|request| self.carry(request))
            .await
            .map_err(|error| match error {
                RequestTokenError::ServerResponse(refused) => {
                    IdentityError::Denied(refused.to_string())
                }
                other => unavailable(deepest(&other)),
            })?;
        let refresh_token = response
            .refresh_token()
            .map(|token| Secret::new(token.secret().clone()))
            .ok_or_else(|| IdentityError::Unverified("no refresh token".to_owned()))?;
        let nonce = Nonce::new(pending.nonce.clone());
        let (told, id_token) = self.verified(&discovered, &response, &nonce).await?;
        Ok(Tokens {
            told,
            id_token,
            refresh_token,
        })
    }

    /// The facts in the ID token of a response, once its signature, issuer, audience, times
    /// and nonce are good.
    async fn verified<N: NonceVerifier + Copy>(
        &self,
        discovered: &Arc<Discovered>,
        response: &TokenResponse,
        nonce: N,
    ) -> Result<(Told, Secret), IdentityError> {
        let token = response
            .extra_fields()
            .id_token()
            .ok_or_else(|| IdentityError::Unverified("no ID token".to_owned()))?;
        let claims = match claims(token, &discovered.oidc, nonce) {
            // The realm may have new keys since we looked.
            Err(ClaimsVerificationError::SignatureVerification(_)) => {
                let fresh = self.rediscover(discovered).await?;
                claims(token, &fresh.oidc, nonce)
            }
            other => other,
        }
        .map_err(|error| IdentityError::Unverified(error.to_string()))?;
        let told = Told::from_claims(&claims, &self.settings.client_id)?;
        Ok((told, Secret::new(token.to_string())))
    }

    /// Where the browser goes to end Keycloak's own session (RP-Initiated Logout 1.0).
    pub(crate) async fn end_session_url(&self, id_token: &Secret) -> Option<Url> {
        let mut url = self.discover().await.ok()?.end_session.clone()?;
        let home = format!("{}/", self.settings.base_url.as_str().trim_end_matches('/'));
        url.query_pairs_mut()
            .append_pair("id_token_hint", id_token.expose())
            .append_pair("post_logout_redirect_uri", &home);
        Some(url)
    }

    /// The parameters of the token endpoint for a request of our own.
    pub(crate) fn client_form(&self) -> HashMap<&'static str, String> {
        HashMap::from([
            ("client_id", self.settings.client_id.clone()),
            (
                "client_secret",
                self.settings.client_secret.expose().to_owned(),
            ),
        ])
    }
}

fn claims<N: NonceVerifier>(
    token: &Token,
    oidc: &Oidc,
    nonce: N,
) -> Result<Claims, ClaimsVerificationError> {
    let verifier = oidc
        .id_token_verifier()
        .set_allowed_algs(ALGORITHMS.into_iter().map(|(_, algorithm)| algorithm));
    token.claims(&verifier, nonce).cloned()
}

/// The innermost cause, which says what really happened.
fn deepest(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
