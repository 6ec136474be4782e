//! Whether Keycloak is there and set up as we need it, in words.

use serde::Serialize;
use time::{OffsetDateTime, format_description::well_known::Rfc2822};

use crate::IdentityService;

/// The most that the clocks may differ, in seconds: tokens live for minutes.
const CLOCK_SKEW: i64 = 30;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What.
    pub name: &'static str,
    /// Whether it is as it should be.
    pub ok: bool,
    /// What was found, or what to do.
    pub detail: String,
}

/// What was found about Keycloak.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeycloakHealth {
    /// In the order in which one depends on the other; ends at the first that makes the
    /// rest pointless.
    pub checks: Vec<Check>,
}

impl KeycloakHealth {
    /// Everything is as it should be.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.checks.iter().all(|check| check.ok)
    }

    fn note(&mut self, name: &'static str, ok: bool, detail: impl Into<String>) -> bool {
        self.checks.push(Check {
            name,
            ok,
            detail: detail.into(),
        });
        ok
    }
}

impl IdentityService {
    /// Looks at Keycloak: is it there, the realm, our client and its secret, the redirect
    /// address, the clock.
    pub async fn health(&self) -> KeycloakHealth {
        let mut health = KeycloakHealth { checks: Vec::new() };
        let keycloak = self.keycloak();
        let settings = &keycloak.settings;
        let issuer = settings.issuer();
        let address = format!("{issuer}/.well-known/openid-configuration");
        let answer = match keycloak.http.get(&address).send().await {
            Ok(answer) => answer,
            Err(error) => {
                let found = format!("no answer at {}: {}", settings.url, error.without_url());
                health.note("reachable", false, found);
                return health;
            }
        };
        health.note("reachable", true, settings.url.to_string());
        let clock = answer
            .headers()
            .get("date")
            .and_then(|date| date.to_str().ok())
            .and_then(|date| OffsetDateTime::parse(date, &Rfc2822).ok())
            .map(|theirs| (OffsetDateTime::now_utc() - theirs).whole_seconds());
        if !answer.status().is_success() {
            let advice = format!(
                "there is no realm {:?} (HTTP {}): import config/keycloak/realm-export.json or \
                 set KEYCLOAK_REALM",
                settings.realm,
                answer.status().as_u16()
            );
            health.note("realm", false, advice);
            return health;
        }
        let said: Option<serde_json::Value> = answer.json().await.ok();
        let said = said
            .as_ref()
            .and_then(|json| json["issuer"].as_str())
            .unwrap_or_default();
        if said != issuer {
            let advice =
                format!("it calls itself {said:?}: set KEYCLOAK_URL to the address it uses");
            health.note("realm", false, advice);
            return health;
        }
        health.note("realm", true, settings.realm.clone());
        self.check_client(&mut health).await;
        self.check_redirect(&mut health).await;
        let clock = match self.check_backend(&mut health).await {
            Some(seconds) => Some(seconds),
            None => clock,
        };
        if let Some(seconds) = clock {
            let ok = seconds.abs() <= CLOCK_SKEW;
            let found = if ok {
                "in step".to_owned()
            } else {
                format!("{seconds} s apart from ours: set both by NTP")
            };
            health.note("clock", ok, found);
        }
        health
    }

    /// A code that can't be good: the refusal tells whether the client itself was known.
    async fn check_client(&self, health: &mut KeycloakHealth) {
        let keycloak = self.keycloak();
        let mut form = keycloak.client_form();
        form.insert("grant_type", "authorization_code".to_owned());
        form.insert("code", "health-check".to_owned());
        form.insert("redirect_uri", keycloak.settings.redirect_uri());
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let answer = keycloak
            .http
            .post(format!(
                "{}/protocol/openid-connect/token",
                keycloak.settings.issuer()
            ))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body)
            .send()
            .await;
        let error = match answer {
            Ok(answer) => answer.json::<serde_json::Value>().await.unwrap_or_default()["error"]
                .as_str()
                .unwrap_or("no reason given")
                .to_owned(),
            Err(error) => error.without_url().to_string(),
        };
        let client = &keycloak.settings.client_id;
        match error.as_str() {
            "invalid_grant" => health.note("client", true, client.clone()),
            "unauthorized_client" | "invalid_client" => health.note(
                "client",
                false,
                format!(
                    "no client {client:?} with this secret: check KEYCLOAK_CLIENT_ID and \
                     KEYCLOAK_CLIENT_SECRET"
                ),
            ),
            other => health.note("client", false, format!("unexpected answer: {other}")),
        };
    }

    /// Keycloak shows its sign-in page only for a redirect address that it knows.
    async fn check_redirect(&self, health: &mut KeycloakHealth) {
        let keycloak = self.keycloak();
        let redirect = keycloak.settings.redirect_uri();
        let (url, _, _) = match keycloak.begin("/".to_owned()).await {
            Ok(begun) => begun,
            Err(error) => {
                health.note("redirect address", false, error.to_string());
                return;
            }
        };
        match keycloak.http.get(url).send().await {
            Ok(answer) if answer.status().is_success() => {
                health.note("redirect address", true, redirect)
            }
            Ok(_) => health.note(
                "redirect address",
                false,
                format!("{redirect} is refused: add it to the client's valid redirect URIs"),
            ),
            Err(error) => health.note("redirect address", false, error.without_url().to_string()),
        };
    }

    /// The client that looks after users, if one is set up: its secret, what its service
    /// account may read, and how far Keycloak's clock is behind ours, in seconds.
    async fn check_backend(&self, health: &mut KeycloakHealth) -> Option<i64> {
        let keycloak = self.keycloak();
        let client = keycloak.settings.backend.as_ref()?;
        let issued = match keycloak.service_token_issued().await {
            Ok(issued) => issued,
            Err(error) => {
                let advice = format!(
                    "no token for {:?}: check KEYCLOAK_BACKEND_CLIENT_SECRET ({error})",
                    client.id
                );
                health.note("service account", false, advice);
                return None;
            }
        };
        let clock = issued.map(|at| OffsetDateTime::now_utc().unix_timestamp() - at);
        let asked = async {
            keycloak.events(&["LOGIN_ERROR"], 0).await?;
            keycloak.client_number().await
        };
        match asked.await {
            Ok(_) => health.note("service account", true, client.id.clone()),
            Err(error) => health.note(
                "service account",
                false,
                format!(
                    "{:?} may not read what it must: give it the roles view-users, view-events and \
                     view-clients of realm-management ({error})",
                    client.id
                ),
            ),
        };
        clock
    }
}
