//! Keycloak's admin API, as the service account of a client of our own
//! (<https://www.keycloak.org/docs-api/latest/rest-api/index.html>).

use std::net::IpAddr;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, de::DeserializeOwned};
use tokio::time::{Duration, Instant};
use url::Url;

use super::{Keycloak, unavailable};
use crate::{IdentityError, Secret};

/// A token is not used in the last seconds of its life.
const MARGIN: Duration = Duration::from_secs(10);
/// The most events that are asked for at once.
pub(crate) const EVENTS_AT_ONCE: usize = 200;

/// The client whose service account reads users, clients and events (`onelastai-backend` in the realm).
#[derive(Debug, Clone)]
pub struct BackendClient {
    /// Its id.
    pub id: String,
    /// Its secret.
    pub secret: Secret,
}

/// A token of the service account and how long it is good.
pub(crate) struct ServiceToken {
    token: Secret,
    until: Instant,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: Secret,
    expires_in: u64,
}

/// A user as the admin API has it.
#[derive(Debug, Deserialize)]
pub(crate) struct UserRepresentation {
    pub enabled: bool,
}

/// A user as a search of the admin API has it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FoundUser {
    pub id: String,
    pub username: String,
    first_name: Option<String>,
    last_name: Option<String>,
    pub email: Option<String>,
    #[serde(default)]
    pub email_verified: bool,
}

impl FoundUser {
    /// As Keycloak's tokens have it.
    pub(crate) fn full_name(&self) -> String {
        let names = [&self.first_name, &self.last_name];
        let names: Vec<_> = names.into_iter().flatten().map(String::as_str).collect();
        names.join(" ")
    }
}

/// A role as the admin API has it.
#[derive(Debug, Deserialize)]
pub(crate) struct RoleRepresentation {
    pub name: String,
}

/// A group as the admin API has it.
#[derive(Debug, Deserialize)]
pub(crate) struct GroupRepresentation {
    /// Such as `/staff/editors`.
    pub path: String,
}

/// Something that happened at Keycloak.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Event {
    /// In milliseconds since 1970.
    pub time: i64,
    #[serde(rename = "type")]
    pub kind: String,
    pub user_id: Option<String>,
    pub ip_address: Option<IpAddr>,
    pub error: Option<String>,
    #[serde(default)]
    pub details: Details,
}

/// What else is known of an event.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Details {
    pub username: Option<String>,
}

impl Keycloak {
    /// A user by Keycloak's id.
    pub(crate) async fn user(&self, subject: &str) -> Result<UserRepresentation, IdentityError> {
        self.admin(&["users", subject], &[]).await
    }

    /// A user by the exact username.
    pub(crate) async fn user_named(&self, username: &str) -> Result<FoundUser, IdentityError> {
        let query = [("username", username), ("exact", "true")];
        let found: Vec<FoundUser> = self.admin(&["users"], &query).await?;
        found.into_iter().next().ok_or(IdentityError::NotFound)
    }

    /// The realm roles that a user has, those that come with others too.
    pub(crate) async fn roles(
        &self,
        subject: &str,
    ) -> Result<Vec<RoleRepresentation>, IdentityError> {
        let path = ["users", subject, "role-mappings", "realm", "composite"];
        self.admin(&path, &[]).await
    }

    /// The roles of our own client that a user has, those that come with others too.
    pub(crate) async fn client_roles(
        &self,
        subject: &str,
    ) -> Result<Vec<RoleRepresentation>, IdentityError> {
        let Some(client) = self.client_number().await? else {
            return Ok(Vec::new());
        };
        let path = ["users", subject, "role-mappings", "clients"];
        let path = path.into_iter().chain([client.as_str(), "composite"]);
        match self.admin(&path.collect::<Vec<_>>(), &[]).await {
            Err(IdentityError::NotFound) => {
                // Made anew under another number, perhaps: look again next time.
                *self.client_number.lock().await = None;
                Err(unavailable("our client or the user is gone"))
            }
            other => other,
        }
    }

    /// The groups that a user is in.
    pub(crate) async fn groups(
        &self,
        subject: &str,
    ) -> Result<Vec<GroupRepresentation>, IdentityError> {
        self.admin(&["users", subject, "groups"], &[]).await
    }

    /// Keycloak's own number for our client; it stays the same as long as the client is there.
    pub(crate) async fn client_number(&self) -> Result<Option<String>, IdentityError> {
        #[derive(Deserialize)]
        struct Client {
            id: String,
        }
        let mut kept = self.client_number.lock().await;
        if kept.is_none() {
            let query = [("clientId", self.settings.client_id.as_str())];
            let found: Vec<Client> = self.admin(&["clients"], &query).await?;
            *kept = found.into_iter().next().map(|client| client.id);
        }
        Ok(kept.clone())
    }

    /// The events of these kinds after the `first` newest of them, the newest first; at most
    /// [`EVENTS_AT_ONCE`].
    pub(crate) async fn events(
        &self,
        kinds: &[&str],
        first: usize,
    ) -> Result<Vec<Event>, IdentityError> {
        let (first, most) = (first.to_string(), EVENTS_AT_ONCE.to_string());
        let mut query: Vec<_> = kinds.iter().map(|kind| ("type", *kind)).collect();
        query.extend([("first", first.as_str()), ("max", most.as_str())]);
        self.admin(&["events"], &query).await
    }

    async fn admin<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<T, IdentityError> {
        let mut url = self.settings.url.clone();
        url.path_segments_mut()
            .map_err(|()| unavailable("not an address"))?
            .pop_if_empty()
            .extend(["admin", "realms", &self.settings.realm])
            .extend(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let token = self.service_token().await?;
        let answer = self.http.get(url).bearer_auth(token.expose()).send().await;
        let answer = answer.map_err(|error| unavailable(error.without_url()))?;
        match answer.status().as_u16() {
            200 => answer
                .json()
                .await
                .map_err(|error| unavailable(error.without_url())),
            404 => Err(IdentityError::NotFound),
            status => Err(unavailable(format!(
                "the admin API answered {status}: has the service account its roles?"
            ))),
        }
    }

    /// When Keycloak says that it made a token that was asked for now, in seconds since 1970.
    pub(crate) async fn service_token_issued(&self) -> Result<Option<i64>, IdentityError> {
        #[derive(Deserialize)]
        struct Claims {
            iat: i64,
        }
        *self.service_token.lock().await = None;
        let token = self.service_token().await?;
        // Fresh from Keycloak itself; there is no signature to check.
        let claims = token.expose().split('.').nth(1).and_then(|claims| {
            let json = URL_SAFE_NO_PAD.decode(claims).ok()?;
            serde_json::from_slice::<Claims>(&json).ok()
        });
        Ok(claims.map(|claims| claims.iat))
    }

    async fn service_token(&self) -> Result<Secret, IdentityError> {
        let Some(client) = &self.settings.backend else {
            return Err(IdentityError::NotFound);
        };
        let mut kept = self.service_token.lock().await;
        if let Some(kept) = kept.as_ref().filter(|it| it.until > Instant::now()) {
            return Ok(kept.token.clone());
        }
        let url = format!("{}/protocol/openid-connect/token", self.settings.issuer());
        let body = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_id", &client.id)
            .append_pair("client_secret", client.secret.expose())
            .finish();
        let url: Url = url.parse().map_err(unavailable)?;
        let answer = self
            .http
            .post(url)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body)
            .send()
            .await
            .and_then(reqwest::Response::error_for_status)
            .map_err(|error| unavailable(error.without_url()))?;
        let answer: TokenAnswer = answer
            .json()
            .await
            .map_err(|error| unavailable(error.without_url()))?;
        let life = Duration::from_secs(answer.expires_in).saturating_sub(MARGIN);
        *kept = Some(ServiceToken {
            token: answer.access_token.clone(),
            until: Instant::now() + life,
        });
        Ok(answer.access_token)
    }
}
