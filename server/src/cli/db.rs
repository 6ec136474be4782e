//! `onelastai db …`

use std::process::ExitCode;

use clap::Subcommand;
use onelastai_db::{connect, create_database, migrate, status};
use serde_json::json;

use super::{
    Done,
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
            let before = status(&pool).await?.iter().filter(|it| !it.applied).count() as u64;
            migrate(&pool).await?;
            let text = match before {
                0 => "up to date".to_owned(),
                1 => "1 migration applied".to_owned(),
                n => format!("{n} migrations applied"),
            };
            say(json, "applied", before, &text);
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
        Command::DumpSchema => return dump_schema(config).await,
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

async fn dump_schema(config: &DatabaseConfig) -> Done {
    let mut dump = tokio::process::Command::new("pg_dump");
    // The address holds the password, so it goes by the environment, not by the arguments
    // that every process on the machine can read.
    let url: url::Url = config.url.parse()?;
    dump.args(["--schema-only", "--no-owner", "--no-privileges"])
        .env("PGHOST", url.host_str().unwrap_or("localhost"))
        .env("PGPORT", url.port().unwrap_or(5432).to_string())
        .env("PGUSER", decode(url.username()))
        .env("PGPASSWORD", decode(url.password().unwrap_or_default()))
        .env("PGDATABASE", url.path().trim_start_matches('/'));
    match dump.status().await {
        Ok(status) if status.success() => Ok(ExitCode::SUCCESS),
        Ok(status) => Err(format!("pg_dump ended with {status}").into()),
        Err(error) => Err(format!(
            "can't run pg_dump ({error}): install PostgreSQL's client programs of the server's version"
        )
        .into()),
    }
}

fn decode(text: &str) -> String {
    url::form_urlencoded::parse(format!("x={}", text.replace('+', "%2B")).as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn a_password_comes_out_as_it_was() {
        assert_eq!(decode("p%40ss%2Fw+rd"), "p@ss/w+rd");
        assert_eq!(decode(""), "");
    }
}
