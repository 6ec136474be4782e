//! `onelastai doctor`: everything that the server needs, in one table.

use std::time::Duration;

use onelastai_chat::ChatSettings;
use onelastai_db::{PgPool, status};

use super::{
    Done, keycloak, models,
    output::{self, Row},
};
use crate::{
    config::{Config, Env},
    services,
};

const PATIENCE: Duration = Duration::from_secs(5);

pub(super) async fn run(env: &Env, json: bool) -> Done {
    let config = match Config::read(env) {
        Ok(config) => config,
        Err(error) => {
            return Ok(output::report(
                &[Row::new("settings", false, error.to_string())],
                json,
            ));
        }
    };
    let mut rows = vec![Row::new("settings", true, config.web.base_url.as_str())];
    let state = services::build(&config, ChatSettings::default())?;
    let health = async {
        // Where the database is away its own row says so.
        let _ = tokio::time::timeout(PATIENCE, state.models.reload()).await;
        state.router.health().await
    };
    let (database, redis, identity, health) = tokio::join!(
        database(&state.db),
        redis(&config.redis_url),
        state.identity.health(),
        health,
    );
    rows.extend(database);
    rows.push(redis);
    rows.extend(keycloak::rows(&identity));
    rows.extend(models::rows(&health));
    Ok(output::report(&rows, json))
}

async fn database(pool: &PgPool) -> Vec<Row> {
    let version = sqlx::query_scalar!(r#"SELECT current_setting('server_version') AS "version!""#);
    let found = tokio::time::timeout(PATIENCE, version.fetch_one(pool)).await;
    let reachable = match found {
        Ok(Ok(version)) => Row::new("database", true, format!("PostgreSQL {version}")),
        Ok(Err(error)) => Row::new("database", false, error.to_string()),
        Err(_) => Row::new(
            "database",
            false,
            "no answer within 5 s: check DATABASE_URL",
        ),
    };
    if !reachable.ok {
        return vec![reachable];
    }
    let migrations = match status(pool).await {
        Ok(all) => match all.iter().filter(|it| !it.applied).count() {
            0 => Row::new("migrations", true, format!("all {} applied", all.len())),
            n => Row::new(
                "migrations",
                false,
                format!("{n} missing: onelastai db migrate"),
            ),
        },
        Err(error) => Row::new("migrations", false, error.to_string()),
    };
    vec![reachable, migrations]
}

async fn redis(url: &str) -> Row {
    let ask = async {
        let (_, mut connection) = services::redis(url)?;
        ::redis::cmd("PING")
            .query_async::<String>(&mut connection)
            .await
    };
    match tokio::time::timeout(PATIENCE, ask).await {
        Ok(Ok(_)) => Row::new("redis", true, "answers"),
        Ok(Err(error)) => Row::new("redis", false, error.to_string()),
        Err(_) => Row::new("redis", false, "no answer within 5 s: check REDIS_URL"),
    }
}
