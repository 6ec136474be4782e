//! PostgreSQL.

use std::time::Duration;

use onelastai_db::PoolSettings;
use url::Url;

use super::{ConfigError, Env, env::wrong};

/// Where PostgreSQL is.
#[derive(Clone)]
pub struct DatabaseConfig {
    /// With the password, so it is not shown.
    pub url: String,
    /// The most connections.
    pub max_connections: u32,
}

impl std::fmt::Debug for DatabaseConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DatabaseConfig")
            .field("max_connections", &self.max_connections)
            .finish()
    }
}

impl DatabaseConfig {
    /// For the pool.
    #[must_use]
    pub fn pool(&self) -> PoolSettings {
        PoolSettings {
            url: self.url.clone(),
            max_connections: self.max_connections,
            acquire_timeout: Duration::from_secs(3),
        }
    }
}

pub(super) fn read(env: &Env) -> Result<DatabaseConfig, ConfigError> {
    let url = match env.get("DATABASE_URL")? {
        Some(given) => {
            let url: Url = given
                .parse()
                .map_err(|_| wrong("DATABASE_URL", "is not a valid address"))?;
            if !matches!(url.scheme(), "postgres" | "postgresql") {
                return Err(wrong("DATABASE_URL", "must begin with postgres://"));
            }
            given.to_owned()
        }
        None => from_parts(env)?,
    };
    let max_connections = env.number("DATABASE_MAX_CONNECTIONS", 1, 1000)?;
    Ok(DatabaseConfig {
        url,
        max_connections: u32::try_from(max_connections).unwrap_or(20),
    })
}

fn from_parts(env: &Env) -> Result<String, ConfigError> {
    let host = env.get("DATABASE_HOST")?.ok_or_else(|| {
        wrong(
            "DATABASE_URL",
            "is not set, and neither is DATABASE_HOST: see docs/CONFIG.md",
        )
    })?;
    let port: u16 = env.parse("DATABASE_PORT")?;
    let name = env.require("DATABASE_NAME")?;
    let invalid = |_| wrong("DATABASE_HOST", "makes no valid address");
    let mut url: Url = format!("postgres://{host}:{port}/{name}")
        .parse()
        .map_err(|_| wrong("DATABASE_HOST", "makes no valid address"))?;
    url.set_username(env.require("DATABASE_USERNAME")?)
        .map_err(invalid)?;
    url.set_password(env.get("DATABASE_PASSWORD")?)
        .map_err(invalid)?;
    Ok(url.into())
}
