//! The connections.

use std::{str::FromStr, time::Duration};

use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::{DbResult, error::once_more};

/// How many connections, and how long to wait for one.
#[derive(Debug, Clone)]
pub struct PoolSettings {
    /// `postgres://user:password@host:port/database`
    pub url: String,
    /// At most this many connections.
    pub max_connections: u32,
    /// Wait at most this long for a free one.
    pub acquire_timeout: Duration,
}

fn options(settings: &PoolSettings) -> DbResult<(PgPoolOptions, PgConnectOptions)> {
    let connect = PgConnectOptions::from_str(&settings.url)?
        .application_name("onelastai")
        .options([("statement_timeout", "30000"), ("timezone", "UTC")]);
    let pool = PgPoolOptions::new()
        .max_connections(settings.max_connections)
        .acquire_timeout(settings.acquire_timeout)
        .idle_timeout(Duration::from_secs(300));
    Ok((pool, connect))
}

/// A pool that has reached the database.
///
/// # Errors
/// [`DbError::Unavailable`] where it can't be reached.
pub async fn connect(settings: &PoolSettings) -> DbResult<PgPool> {
    let pool = connect_lazy(settings)?;
    once_more(|| sqlx::query("SELECT 1").execute(&pool)).await?;
    Ok(pool)
}

/// A pool that connects when it is first used.
///
/// # Errors
/// [`DbError::Unexpected`] for a malformed URL.
pub fn connect_lazy(settings: &PoolSettings) -> DbResult<PgPool> {
    let (pool, connect) = options(settings)?;
    Ok(pool.connect_lazy_with(connect))
}
