//! `onelastai db …`

use std::process::ExitCode;

use clap::Subcommand;
use onelastai_db::{
    Actor, PgPool, audit::record_migration, connect, create_database, migrate, status,
};
use serde_json::json;

use super::{
    Done, Failure, dump,
    output::{self, Row},
};
use crate::config::DatabaseConfig;

/// The database.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Create the database, where it isn't there yet.
    Create,
    /// Bring the database up to date.
    Migrate,
    /// Show which migrations it has.
    Status,
    /// Print the schema as SQL (needs PostgreSQL's pg_dump).
    DumpSchema,
    /// Add agents to begin with; what is there already stays as it is.
    CreateSampleData,
}

pub(super) async fn run(command: Command, config: &DatabaseConfig, json: bool) -> Done {
    match command {
        Command::Create => {
            let created = create_database(&config.url).await?;
            say(
                json,
                "created",
                u64::from(created),
                if created {
                    "created"
                } else {
                    "is there already"
                },
            );
        }
        Command::Migrate => {
            let pool = connect(&config.pool()).await?;
            let applied = bring_up_to_date(&pool).await?;
            let text = match applied {
                0 => "up to date".to_owned(),
                1 => "1 migration applied".to_owned(),
                n => format!("{n} migrations applied"),
            };
            say(json, "applied", applied, &text);
        }
        Command::Status => {
            let pool = connect(&config.pool()).await?;
            let rows: Vec<_> = status(&pool)
                .await?
                .into_iter()
                .map(|it| {
                    let detail = match (it.applied, it.changed) {
                        (true, false) => "applied",
                        (true, true) => "applied, but it was changed since: restore its file",
                        (false, _) => "missing: onelastai db migrate",
                    };
                    let ok = it.applied && !it.changed;
                    Row::new(format!("{} {}", it.version, it.description), ok, detail)
                })
                .collect();
            return Ok(output::report(&rows, json));
        }
        Command::DumpSchema => return dump::run(config, json).await,
        Command::CreateSampleData => {
            let pool = connect(&config.pool()).await?;
            let created = onelastai_agents::create_sample_agents(&pool).await?;
            say(
                json,
                "agents",
                created,
                &format!("{created} sample agents added"),
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn say(as_json: bool, name: &str, count: u64, text: &str) {
    if as_json {
        output::json(&json!({ name: count }));
    } else {
        output::text(text);
    }
}

/// Applies the migrations that are missing, and notes in the audit log which. How many they were.
async fn bring_up_to_date(pool: &PgPool) -> Result<u64, Failure> {
    let before = missing(pool).await?;
    let migrated = migrate(pool).await;
    // Where one fails, those before it are applied all the same.
    let after = missing(pool).await?;
    let applied: Vec<i64> = before
        .into_iter()
        .filter(|version| !after.contains(version))
        .collect();
    let actor = Actor::Program("onelastai db migrate");
    let noted = record_migration(pool, &actor, &applied).await;
    // Without its first migrations the database has no log, but that is not what went wrong.
    migrated?;
    noted?;
    Ok(applied.len() as u64)
}

async fn missing(pool: &PgPool) -> Result<Vec<i64>, Failure> {
    let all = status(pool).await?;
    let missing = all.iter().filter(|it| !it.applied);
    Ok(missing.map(|it| it.version).collect())
}
