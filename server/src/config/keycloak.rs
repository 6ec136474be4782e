//! Keycloak.

use std::time::Duration;

use onelastai_identity::{BackendClient, KeycloakSettings, Secret};
use url::Url;

use super::{ConfigError, Env, env::wrong};

pub(super) fn read(env: &Env, base_url: Url) -> Result<KeycloakSettings, ConfigError> {
    let url: Url = env.parse("KEYCLOAK_URL")?;
    if url.cannot_be_a_base() || url.host_str().is_none() {
        return Err(wrong(
            "KEYCLOAK_URL",
            "must be an address such as https://id.example.com",
        ));
    }
    Ok(KeycloakSettings {
        url,
        realm: env.require("KEYCLOAK_REALM")?.to_owned(),
        client_id: env.require("KEYCLOAK_CLIENT_ID")?.to_owned(),
        client_secret: Secret::new(env.require("KEYCLOAK_CLIENT_SECRET")?),
        backend: backend(env)?,
        base_url,
    })
}

fn backend(env: &Env) -> Result<Option<BackendClient>, ConfigError> {
    let Some(secret) = env.get("KEYCLOAK_BACKEND_CLIENT_SECRET") else {
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
