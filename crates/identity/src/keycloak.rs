//! OpenID Connect with Keycloak: authorization code with PKCE
//! (OpenID Connect Core 1.0; RFC 7636; RFC 9700).

use std::{collections::HashMap, sync::Arc, time::Duration};

use openidconnect::{
    AdditionalClaims, AuthenticationFlow, AuthorizationCode, Client, ClientId, ClientSecret,
    CsrfToken, EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest,
    HttpResponse, IdToken, IdTokenClaims, IdTokenFields, IssuerUrl, LogoutProviderMetadata, Nonce,
    OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier, ProviderMetadata, RedirectUrl, Scope,
    StandardErrorResponse, StandardTokenResponse,
    core::{
        CoreAuthDisplay, CoreAuthPrompt, CoreClaimName, CoreClaimType, CoreClientAuthMethod,
        CoreErrorResponseType, CoreGenderClaim, CoreGrantType, CoreJsonWebKey,
        CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreJwsSigningAlgorithm,
        CoreResponseMode, CoreResponseType, CoreRevocableToken, CoreRevocationErrorResponse,
        CoreSubjectIdentifierType, CoreTokenIntrospectionResponse, CoreTokenType,
    },
};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use url::Url;

use crate::{IdentityError, Secret};

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

/// What Keycloak adds to an ID token.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct KeycloakClaims {
    /// Keycloak's session (OpenID Connect Back-Channel Logout 1.0).
    #[serde(default)]
    pub sid: Option<String>,
    #[serde(default)]
    pub realm_access: RealmAccess,
}

/// The realm roles of a person.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct RealmAccess {
    #[serde(default)]
    pub roles: Vec<String>,
}

impl AdditionalClaims for KeycloakClaims {}

type Metadata = ProviderMetadata<
    LogoutProviderMetadata<openidconnect::EmptyAdditionalProviderMetadata>,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;
type IdFields = IdTokenFields<
    KeycloakClaims,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;
type Oidc = Client<
    KeycloakClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    StandardTokenResponse<IdFields, CoreTokenType>,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;
pub(crate) type Claims = IdTokenClaims<KeycloakClaims, CoreGenderClaim>;
type Token = IdToken<
    KeycloakClaims,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;

/// A sign-in that was sent to Keycloak: what must be remembered until it comes back.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Pending {
    pub nonce: String,
    pub verifier: Secret,
    pub return_to: String,
}

/// What a sign-in brought.
pub(crate) struct Tokens {
    pub claims: Claims,
    pub id_token: Secret,
    pub refresh_token: Option<Secret>,
}

struct Discovered {
    oidc: Oidc,
    end_session: Option<Url>,
}

/// Keycloak, as far as we have met it.
pub(crate) struct Keycloak {
    pub settings: KeycloakSettings,
    pub http: reqwest::Client,
    /// Fetched at the first sign-in, so that we start even while Keycloak does not run;
    /// fetched again when a token is signed with a key that isn't known.
    discovered: Mutex<Option<Arc<Discovered>>>,
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
            .timeout(Duration::from_secs(10))
            .build()
            .map_err(unavailable)?;
        Ok(Self {
            settings,
            http,
            discovered: Mutex::new(None),
        })
    }

    /// Carries a request of `openidconnect` with our own HTTP client.
    async fn carry(
        http: reqwest::Client,
        request: HttpRequest,
    ) -> Result<HttpResponse, reqwest::Error> {
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

    async fn discover(&self) -> Result<Arc<Discovered>, IdentityError> {
        // Holding the lock makes many sign-ins at once ask once.
        let mut discovered = self.discovered.lock().await;
        if let Some(known) = discovered.as_ref() {
            return Ok(known.clone());
        }
        let issuer = IssuerUrl::new(self.settings.issuer()).map_err(unavailable)?;
        let http = self.http.clone();
        let metadata =
            Metadata::discover_async(issuer, &|request| Self::carry(http.clone(), request))
                .await
                .map_err(|error| unavailable(deepest(&error)))?;
        let end_session = metadata
            .additional_metadata()
            .end_session_endpoint
            .as_ref()
            .map(|endpoint| endpoint.url().clone());
        let oidc = Client::from_provider_metadata(
            metadata,
            ClientId::new(self.settings.client_id.clone()),
            Some(ClientSecret::new(
                self.settings.client_secret.expose().to_owned(),
            )),
        )
        .set_redirect_uri(RedirectUrl::new(self.settings.redirect_uri()).map_err(unavailable)?);
        let known = Arc::new(Discovered { oidc, end_session });
        *discovered = Some(known.clone());
        Ok(known)
    }

    /// Forgets what was discovered, for when Keycloak's keys have changed.
    async fn forget(&self) {
        *self.discovered.lock().await = None;
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
        let http = self.http.clone();
        let response = discovered
            .oidc
            .exchange_code(AuthorizationCode::new(code))
            .map_err(unavailable)?
            .set_pkce_verifier(PkceCodeVerifier::new(pending.verifier.expose().to_owned()))
            .request_async(&|request| Self::carry(http.clone(), request))
            .await
            .map_err(|error| match error {
                openidconnect::RequestTokenError::ServerResponse(refused) => {
                    IdentityError::Denied(refused.to_string())
                }
                other => unavailable(deepest(&other)),
            })?;
        let token = response
            .extra_fields()
            .id_token()
            .ok_or_else(|| IdentityError::Unverified("no ID token".to_owned()))?;
        let nonce = Nonce::new(pending.nonce.clone());
        let claims = match token.claims(&discovered.oidc.id_token_verifier(), &nonce) {
            Ok(claims) => claims.clone(),
            // The realm may have new keys since we looked.
            Err(openidconnect::ClaimsVerificationError::SignatureVerification(_)) => {
                self.forget().await;
                let fresh = self.discover().await?;
                verified(token, &fresh.oidc, &nonce)?
            }
            Err(error) => return Err(IdentityError::Unverified(error.to_string())),
        };
        Ok(Tokens {
            claims,
            id_token: Secret::new(token.to_string()),
            refresh_token: response
                .refresh_token()
                .map(|token| Secret::new(token.secret().clone())),
        })
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

fn verified(token: &Token, oidc: &Oidc, nonce: &Nonce) -> Result<Claims, IdentityError> {
    token
        .claims(&oidc.id_token_verifier(), nonce)
        .cloned()
        .map_err(|error| IdentityError::Unverified(error.to_string()))
}

/// The innermost cause, which says what really happened.
fn deepest(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
