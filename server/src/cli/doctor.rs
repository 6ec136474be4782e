//! `onelastai doctor`: everything that the server needs, in one table.
//!
//! Each row reads its own settings, so that what is wrong with one hides no other.

use std::{fmt::Display, time::Duration};

use onelastai_db::{MigrationState, PgPool, PoolSettings, connect_lazy, status};
use onelastai_identity::IdentityService;
use onelastai_model_router::ModelRouter;

use super::{
    Done, Failure, keycloak, models,
    output::{self, Row},
};
use crate::{
    config::{self, Env},
    services, site,
};

const PATIENCE: Duration = Duration::from_secs(5);

pub(super) async fn run(env: &Env, json: bool) -> Done {
    let mut rows = settings(env);
    rows.push(site(env));
    let (database, redis, keycloak, models) =
        tokio::join!(database(env), redis(env), keycloak(env), models(env));
    rows.extend(database);
    rows.push(redis);
    rows.extend(keycloak);
    rows.extend(models);
    Ok(output::report(&rows, json))
}

/// What can't be looked at, because its settings say not where.
fn unseen(what: &str, reason: &impl Display) -> Row {
    Row::new(what, false, format!("not looked at: {reason}"))
}

fn settings(env: &Env) -> Vec<Row> {
    let problems = config::problems(env);
    if problems.is_empty() {
        return vec![Row::new("settings", true, "all can be used")];
    }
    problems
        .iter()
        .map(|problem| Row::new("settings", false, problem.to_string()))
        .collect()
}

fn site(env: &Env) -> Row {
    let options = match config::web(env) {
        Ok(web) => site::options(&web),
        Err(error) => return unseen("site", &error),
    };
    match site::check(&options) {
        Ok(()) => Row::new("site", true, &*options.site_root),
        Err(error) => Row::new("site", false, format!("{error}; see SITE_ROOT")),
    }
}

async fn database(env: &Env) -> Vec<Row> {
    let pool = match pool(env) {
        Ok(pool) => pool,
        Err(error) => return vec![unseen("database", &error)],
    };
    let version = sqlx::query_scalar!(r#"SELECT current_setting('server_version') AS "version!""#);
    let found = tokio::time::timeout(PATIENCE, version.fetch_one(&pool)).await;
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
    let migrations = match status(&pool).await {
        Ok(all) => migrations(&all),
        Err(error) => Row::new("migrations", false, error.to_string()),
    };
    vec![reachable, migrations]
}

fn pool(env: &Env) -> Result<PgPool, Failure> {
    Ok(connect_lazy(&config::database(env)?.pool())?)
}

fn migrations(all: &[MigrationState]) -> Row {
    let missing = all.iter().filter(|it| !it.applied).count();
    let changed: Vec<String> = all
        .iter()
        .filter(|it| it.changed)
        .map(|it| it.version.to_string())
        .collect();
    let mut problems = Vec::new();
    if missing > 0 {
        problems.push(format!("{missing} missing: onelastai db migrate"));
    }
    if !changed.is_empty() {
        let changed = changed.join(", ");
        problems.push(format!(
            "changed since they were applied: {changed}; restore their files"
        ));
    }
    if problems.is_empty() {
        Row::new("migrations", true, format!("all {} applied", all.len()))
    } else {
        Row::new("migrations", false, problems.join("; "))
    }
}

async fn redis(env: &Env) -> Row {
    let url = match config::redis_url(env) {
        Ok(url) => url,
        Err(error) => return unseen("redis", &error),
    };
    let ask = async {
        let (_, mut connection) = services::redis(&url)?;
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

async fn keycloak(env: &Env) -> Vec<Row> {
    match identity(env) {
        Ok(identity) => keycloak::rows(&identity.health().await),
        Err(error) => vec![unseen("keycloak", &error)],
    }
}

/// Its health asks nobody but Keycloak, so the addresses of the two others are never used: where
/// the real ones are wrong, Keycloak is looked at all the same.
fn identity(env: &Env) -> Result<IdentityService, Failure> {
    let pool = connect_lazy(&PoolSettings {
        url: "postgres://localhost/unused".to_owned(),
        max_connections: 1,
        acquire_timeout: PATIENCE,
    })?;
    let (_, connection) = services::redis("redis://localhost")?;
    let keycloak = config::keycloak(env)?;
    Ok(IdentityService::new(keycloak, pool, connection, PATIENCE)?)
}

async fn models(env: &Env) -> Vec<Row> {
    let router = match router(env) {
        Ok(router) => router,
        Err(error) => return vec![unseen("models", &error)],
    };
    // Where the database is away its own row says so.
    let _ = models::add_stored(env, &router).await;
    models::rows(&router.health().await)
}

fn router(env: &Env) -> Result<ModelRouter, Failure> {
    Ok(ModelRouter::new(config::models(env)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_migration_does_not_count_as_applied() {
        let state = |version, applied, changed| MigrationState {
            version,
            description: "models".to_owned(),
            applied,
            changed,
        };
        let (good, missing, changed) = (
            state(1, true, false),
            state(2, false, false),
            state(3, true, true),
        );
        let row = |all: &[MigrationState]| {
            let row = migrations(all);
            (row.ok, row.detail)
        };
        assert_eq!(
            row(std::slice::from_ref(&good)),
            (true, "all 1 applied".to_owned())
        );
        let (ok, detail) = row(&[good.clone(), changed.clone()]);
        assert!(
            !ok && detail.starts_with("changed since") && detail.contains('3'),
            "{detail}"
        );
        let (ok, detail) = row(&[good, missing, changed]);
        assert!(
            !ok && detail.contains("1 missing") && detail.contains("3;"),
            "{detail}"
        );
    }
}
