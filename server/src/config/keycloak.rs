//! Keycloak.

use std::time::Duration;

use onelastai_identity::{BackendClient, KeycloakSettings, Secret};
use url::Url;

use super::{ConfigError, Env, env::wrong, web};

pub(super) fn read(env: &Env, base_url: Url) -> Result<KeycloakSettings, ConfigError> {
    Ok(KeycloakSettings {
        url: url(env)?,
        realm: env.require("KEYCLOAK_REALM")?.to_owned(),
        client_id: env.require("KEYCLOAK_CLIENT_ID")?.to_owned(),
        client_secret: Secret::new(env.require("KEYCLOAK_CLIENT_SECRET")?),
        backend: backend(env)?,
        base_url,
    })
}

fn url(env: &Env) -> Result<Url, ConfigError> {
    const NAME: &str = "KEYCLOAK_URL";
    let url: Url = env.parse(NAME)?;
    if url.cannot_be_a_base() || url.host_str().is_none() {
        return Err(wrong(
            NAME,
            "must be an address such as https://id.example.com",
        ));
    }
    // Our secret and everybody's tokens go there.
    if !web::is_safe(&url) {
        return Err(wrong(
            NAME,
            "must begin with https:// (http only for localhost)",
        ));
    }
    Ok(url)
}

fn backend(env: &Env) -> Result<Option<BackendClient>, ConfigError> {
    let Some(secret) = env.get("KEYCLOAK_BACKEND_CLIENT_SECRET")? else {
        return Ok(None);
    };
    Ok(Some(BackendClient {
        id: env.require("KEYCLOAK_BACKEND_CLIENT_ID")?.to_owned(),
        secret: Secret::new(secret),
    }))
}

pub(super) fn session_lifetime(env: &Env) -> Result<Duration, ConfigError> {
    Ok(Duration::from_secs(
        env.number("SESSION_HOURS", 1, 720)? * 3600,
    ))
}
