//! Creating the database and bringing it up to date.

use std::{collections::HashMap, str::FromStr};

use sqlx::{
    Connection, Executor, PgPool,
    migrate::{Migrate, MigrationType, Migrator},
    postgres::{PgConnectOptions, PgConnection},
};

use crate::DbError;

/// Every migration of this build (`migrations/`).
pub static MIGRATOR: Migrator = sqlx::migrate!("../../migrations");

/// Why a migration did not go through.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The database itself.
    #[error(transparent)]
    Db(#[from] DbError),
    /// A migration failed, or an applied one differs from the one of this build.
    #[error("migration failed: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// The address names no database.
    #[error("the database address names no database")]
    NoDatabaseName,
}

impl From<sqlx::Error> for MigrateError {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

/// One migration and whether this database has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationState {
    /// Its number.
    pub version: i64,
    /// What it is about.
    pub description: String,
    /// Done here.
    pub applied: bool,
    /// Done here, but its text has changed since.
    pub changed: bool,
}

/// Creates the database that `url` names, where it isn't there yet. True if it made one.
///
/// # Errors
/// Where the server can't be reached or refuses.
pub async fn create_database(url: &str) -> Result<bool, MigrateError> {
    let options = PgConnectOptions::from_str(url)?;
    let name = options
        .get_database()
        .ok_or(MigrateError::NoDatabaseName)?
        .to_owned();
    // `postgres` is the database that every server has.
    let mut server = PgConnection::connect_with(&options.database("postgres")).await?;
    let exists: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
            .bind(&name)
            .fetch_one(&mut server)
            .await?;
    if !exists {
        // A name can't be a parameter; quoted, it is only ever a name.
        let create = format!("CREATE DATABASE \"{}\"", name.replace('"', "\"\""));
        server.execute(sqlx::AssertSqlSafe(create)).await?;
    }
    server.close().await?;
    Ok(!exists)
}

/// Applies every migration that is missing; replicas that start together wait for
/// one another.
///
/// # Errors
/// [`MigrateError::Migration`] names the one that failed.
pub async fn migrate(pool: &PgPool) -> Result<(), MigrateError> {
    Ok(MIGRATOR.run(pool).await?)
}

/// Every migration of this build, oldest first.
///
/// # Errors
/// Where the database can't be reached.
pub async fn status(pool: &PgPool) -> Result<Vec<MigrationState>, MigrateError> {
    let mut connection = pool.acquire().await?;
    let table: bool = sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL")
        .fetch_one(&mut *connection)
        .await?;
    let applied: HashMap<i64, _> = if table {
        let rows = connection
            .list_applied_migrations(&MIGRATOR.table_name)
            .await?;
        rows.into_iter()
            .map(|row| (row.version, row.checksum))
            .collect()
    } else {
        HashMap::new()
    };
    Ok(MIGRATOR
        .iter()
        .filter(|migration| migration.migration_type != MigrationType::ReversibleDown)
        .map(|migration| {
            let checksum = applied.get(&migration.version);
            MigrationState {
                version: migration.version,
                description: migration.description.to_string(),
                applied: checksum.is_some(),
                changed: checksum.is_some_and(|checksum| *checksum != migration.checksum),
            }
        })
        .collect())
}
