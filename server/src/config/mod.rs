//! The settings: environment variables, read here and nowhere else, and checked before
//! anything starts. One file a section.

mod database;
mod env;
mod keycloak;
mod models;
mod redis;
mod secrets;
mod web;

use std::time::Duration;

pub use database::DatabaseConfig;
pub use env::{ConfigError, Env, VARIABLES, Variable};
pub use secrets::SecretsKey;
pub use web::{LogFormat, WebConfig};

use onelastai_identity::KeycloakSettings;
use onelastai_model_router::RouterConfig;

/// Every setting of the server.
#[derive(Debug, Clone)]
pub struct Config {
    /// PostgreSQL.
    pub database: DatabaseConfig,
    /// `redis://…`
    pub redis_url: String,
    /// Keycloak and our client there.
    pub keycloak: KeycloakSettings,
    /// How long a sign-in lasts.
    pub session_lifetime: Duration,
    /// The models.
    pub models: RouterConfig,
    /// What keys of engines are sealed with; without it none can be stored.
    pub secrets_key: Option<SecretsKey>,
    /// Our own address and logs.
    pub web: WebConfig,
}

impl Config {
    /// Reads all of them.
    ///
    /// # Errors
    /// Names the variable that is missing or wrong.
    pub fn read(env: &Env) -> Result<Self, ConfigError> {
        let web = web::read(env)?;
        Ok(Self {
            database: database::read(env)?,
            redis_url: redis::read(env)?,
            keycloak: keycloak::read(env, web.base_url.clone())?,
            session_lifetime: keycloak::session_lifetime(env)?,
            models: models::read(env)?,
            secrets_key: secrets::read(env)?,
            web,
        })
    }
}

/// What is wrong with the settings, of each section the first.
#[must_use]
pub fn problems(env: &Env) -> Vec<ConfigError> {
    let sections = [
        web(env).err(),
        database(env).err(),
        redis_url(env).err(),
        keycloak(env).err(),
        keycloak::session_lifetime(env).err(),
        models(env).err(),
        secrets_key(env).err(),
    ];
    let mut problems = Vec::new();
    for problem in sections.into_iter().flatten() {
        // Two sections may need the same variable.
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }
    problems
}

/// Only our own address, the site's files, and logs.
///
/// # Errors
/// As [`Config::read`].
pub fn web(env: &Env) -> Result<WebConfig, ConfigError> {
    web::read(env)
}

/// Only Redis.
///
/// # Errors
/// As [`Config::read`].
pub fn redis_url(env: &Env) -> Result<String, ConfigError> {
    redis::read(env)
}

/// Only Keycloak.
///
/// # Errors
/// As [`Config::read`].
pub fn keycloak(env: &Env) -> Result<KeycloakSettings, ConfigError> {
    keycloak::read(env, web::base_url(env)?)
}

/// Only what keys of engines are sealed with.
///
/// # Errors
/// As [`Config::read`].
pub fn secrets_key(env: &Env) -> Result<Option<SecretsKey>, ConfigError> {
    secrets::read(env)
}

/// Only the database: for the commands that need nothing else.
///
/// # Errors
/// As [`Config::read`].
pub fn database(env: &Env) -> Result<DatabaseConfig, ConfigError> {
    database::read(env)
}

/// Only the models.
///
/// # Errors
/// As [`Config::read`].
pub fn models(env: &Env) -> Result<RouterConfig, ConfigError> {
    models::read(env)
}

/// The page `docs/CONFIG.md`, made from the table of variables.
#[must_use]
pub fn document() -> String {
    let mut page = String::from(
        "# Settings\n\nEnvironment variables, read and checked when the program starts. A missing \
         or wrong one stops it with a line that names it. This page is made from the code: \
         `onelastai config-reference > docs/CONFIG.md`.\n\n| variable | default | what it is |\n\
         |---|---|---|\n",
    );
    for variable in VARIABLES {
        let default = if variable.default.is_empty() {
            "–".to_owned()
        } else {
            format!("`{}`", variable.default)
        };
        page.push_str(&format!(
            "| `{}` | {default} | {} |\n",
            variable.name, variable.about
        ));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(extra: &[(&str, &str)]) -> Env {
        let mut pairs = vec![
            ("DATABASE_URL", "postgres://a:b@localhost/c"),
            ("REDIS_URL", "redis://localhost"),
            ("KEYCLOAK_URL", "http://localhost:8180"),
            ("KEYCLOAK_CLIENT_SECRET", "s3cret"),
        ];
        pairs.extend_from_slice(extra);
        Env::from_pairs(&pairs)
    }

    #[test]
    fn the_least_that_is_needed_is_enough() {
        let config = Config::read(&env(&[])).unwrap();
        assert_eq!(config.web.base_url.as_str(), "http://localhost:3000/");
        assert_eq!(config.models.models.len(), 7);
        assert!(!format!("{config:?}").contains("s3cret"));
    }

    #[test]
    fn a_wrong_one_is_named() {
        for (name, value) in [
            ("DATABASE_URL", "mysql://x"),
            ("BASE_URL", "localhost:3000"),
            ("BASE_URL", "http://chat.example.com"),
            ("BIND_ADDRESS", "3000"),
            ("KEYCLOAK_CLIENT_SECRET", ""),
            ("SESSION_HOURS", "0"),
            ("LOCAL_AI_MODELS_ENABLED", "perhaps"),
            ("OLLAMA_URLS", "not a url"),
            ("LLAMA32_URLS", "ftp://x"),
            ("LOG_FORMAT", "xml"),
            ("SECRETS_KEY", "c2hvcnQ="),
            ("SECRETS_KEY", "canary, not base64"),
            ("METRICS_ADDRESS", "9464"),
            ("RUST_LOG", "info,onelastai=loud"),
            ("LOCAL_AI_HOST", "a b"),
            ("LOCAL_AI_HOST", "http://models"),
            ("LOCAL_AI_HOST", "models:11434"),
            ("OLLAMA_URLS", ","),
            ("PHI4_URLS", " , "),
            ("OLLAMA_MODEL", "smollm2:135m"),
            ("KEYCLOAK_URL", "ftp://id.example.com"),
            ("KEYCLOAK_URL", "http://id.example.com"),
            ("TRUSTED_PROXIES", "nginx"),
        ] {
            let error = Config::read(&env(&[(name, value)]))
                .unwrap_err()
                .to_string();
            assert!(error.starts_with(name), "{name}={value:?} gives {error}");
            assert!(name != "SECRETS_KEY" || !error.contains(value), "{error}");
        }
    }

    #[test]
    fn the_database_can_be_given_in_parts() {
        let parts = Env::from_pairs(&[
            ("DATABASE_HOST", "db"),
            ("DATABASE_USERNAME", "me"),
            ("DATABASE_PASSWORD", "p@ss/word"),
        ]);
        let url = database(&parts).unwrap().url;
        assert_eq!(url, "postgres://me:p%40ss%2Fword@db:5432/onelastai");
    }

    #[test]
    fn one_ollama_server_can_stand_for_all() {
        let one = [
            ("OLLAMA_URLS", "http://a:1, http://b:2"),
            ("OLLAMA_MODEL", "smollm2:135m"),
        ];
        let models = models(&Env::from_pairs(&one)).unwrap().models;
        assert_eq!((models.len(), models[0].instances.len()), (1, 2));
        assert_eq!(
            (models[0].id.as_str(), models[0].engine_name.as_str()),
            ("smollm2", "smollm2:135m")
        );
    }

    #[test]
    fn the_addresses_of_the_seven_are_not_overridden_in_silence() {
        for (name, value) in [("LLAMA32_URLS", "http://a:1"), ("LOCAL_AI_HOST", "models")] {
            let both = [
                ("OLLAMA_URLS", "http://b:1"),
                ("OLLAMA_MODEL", "smollm2:135m"),
                (name, value),
            ];
            let error = models(&Env::from_pairs(&both)).unwrap_err().to_string();
            assert!(error.starts_with(name), "{error}");
        }
    }

    #[test]
    fn the_problems_of_all_sections_are_found_and_each_once() {
        let wrong = env(&[
            ("BASE_URL", "http://chat.example.com"),
            ("DATABASE_URL", "mysql://x"),
            ("SESSION_HOURS", "0"),
            ("PHI4_URLS", ","),
        ]);
        let texts: Vec<_> = problems(&wrong).iter().map(ToString::to_string).collect();
        let names: Vec<_> = texts
            .iter()
            .map(|text| text.split(' ').next().unwrap())
            .collect();
        assert_eq!(
            names,
            ["BASE_URL", "DATABASE_URL", "SESSION_HOURS", "PHI4_URLS"]
        );
        assert!(problems(&env(&[])).is_empty());
    }

    #[test]
    fn the_page_of_settings_is_up_to_date() {
        let page = include_str!("../../../docs/CONFIG.md");
        assert_eq!(
            page,
            document(),
            "run: onelastai config-reference > docs/CONFIG.md"
        );
    }
}
