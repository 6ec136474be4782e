//! What an operator sees before and while the server runs: `doctor`, `db`, `models health`, and
//! a start that can't be.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use onelastai_db::PgPool;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::program::{json as printed, run, run_at, text};

/// The rows of a report, as `what` and whether it is well.
fn rows(output: &Output) -> Vec<(String, bool, String)> {
    let report = printed(output);
    let rows = report.as_array().unwrap();
    let row = |row: &Value| {
        (
            row["what"].as_str().unwrap().to_owned(),
            row["ok"].as_bool().unwrap(),
            row["detail"].as_str().unwrap().to_owned(),
        )
    };
    rows.iter().map(row).collect()
}

/// All rows about one thing.
fn about<'a>(rows: &'a [(String, bool, String)], what: &str) -> Vec<(bool, &'a str)> {
    rows.iter()
        .filter(|row| row.0 == what)
        .map(|row| (row.1, row.2.as_str()))
        .collect()
}

/// The program in a folder of its own, with a site beside it as an operator installs them.
struct Installed(PathBuf);

impl Installed {
    fn new() -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(Uuid::new_v4().to_string());
        fs::create_dir_all(folder.join("site/pkg")).unwrap();
        fs::hard_link(env!("CARGO_BIN_EXE_onelastai"), folder.join("onelastai")).unwrap();
        fs::write(folder.join("hash.txt"), "js: a\nwasm: b\ncss: c\n").unwrap();
        for file in ["a.js", "b.wasm", "c.css"] {
            fs::write(folder.join(format!("site/pkg/onelastai.{file}")), "").unwrap();
        }
        Self(folder)
    }

    fn program(&self) -> PathBuf {
        self.0.join("onelastai")
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn the_doctor_looks_at_everything_and_tells_by_its_exit_code(pool: PgPool) {
    let installed = Installed::new();
    // As where nothing is said about it: what lies beside the program counts.
    let call = async |arguments: &[&str]| {
        run_at(&installed.program(), &pool, arguments, &[("SITE_ROOT", "")]).await
    };
    let output = call(&["doctor", "--json"]).await;
    let found = rows(&output);
    for what in ["settings", "site", "database", "migrations", "redis"] {
        let rows = about(&found, what);
        assert!(rows.len() == 1 && rows[0].0, "{what}: {rows:?}");
    }
    assert!(
        found
            .iter()
            .any(|row| row.0 == "keycloak reachable" && row.1)
    );
    assert!(found.iter().any(|row| row.0.starts_with("model ")));
    let well = found.iter().all(|row| row.1);
    assert_eq!(output.status.code(), Some(i32::from(!well)), "{found:?}");

    fs::remove_file(installed.0.join("site/pkg/onelastai.c.css")).unwrap();
    let output = call(&["doctor"]).await;
    assert_eq!(output.status.code(), Some(1));
    let table = text(&output.stdout);
    let site = table.lines().find(|line| line.contains("  site  "));
    assert!(site.is_some_and(|line| line.starts_with("FAIL")), "{table}");
}

#[sqlx::test(migrations = "../migrations")]
async fn one_wrong_setting_hides_nothing_else(pool: PgPool) {
    let change = [
        ("SESSION_HOURS", "0"),
        ("REDIS_URL", "http://localhost"),
        ("KEYCLOAK_CLIENT_SECRET", ""),
    ];
    let output = run(&pool, &["doctor", "--json"], &change).await;
    assert_eq!(output.status.code(), Some(1));
    let found = rows(&output);
    let settings = about(&found, "settings");
    for (name, _) in change {
        let named = |row: &(bool, &str)| !row.0 && row.1.starts_with(name);
        assert_eq!(
            settings.iter().filter(|row| named(row)).count(),
            1,
            "{settings:?}"
        );
    }
    assert!(
        about(&found, "redis")[0]
            .1
            .starts_with("not looked at: REDIS_URL")
    );
    let keycloak = about(&found, "keycloak");
    assert!(
        keycloak[0]
            .1
            .starts_with("not looked at: KEYCLOAK_CLIENT_SECRET")
    );
    assert!(about(&found, "database")[0].0);
    assert!(about(&found, "migrations")[0].0);
    assert!(found.iter().any(|row| row.0.starts_with("model ")));
}

#[sqlx::test(migrations = "../migrations")]
async fn an_address_that_is_none_has_its_row(pool: PgPool) {
    let change = [
        ("DATABASE_URL", "postgres://localhost/x?sslmode=perhaps"),
        ("REDIS_URL", "redis://localhost:port"),
    ];
    let output = run(&pool, &["doctor", "--json"], &change).await;
    assert_eq!(output.status.code(), Some(1));
    let found = rows(&output);
    assert!(!about(&found, "database")[0].0);
    assert!(!about(&found, "redis")[0].0);
    assert!(
        found
            .iter()
            .any(|row| row.0 == "keycloak reachable" && row.1)
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_migration_that_was_changed_is_found_by_both(pool: PgPool) {
    let well = run(&pool, &["db", "status", "--json"], &[]).await;
    assert_eq!(well.status.code(), Some(0), "{}", text(&well.stderr));
    assert!(rows(&well).iter().all(|row| row.1 && row.2 == "applied"));

    sqlx::query("UPDATE _sqlx_migrations SET checksum = '\\x00' WHERE version = 20261125000001")
        .execute(&pool)
        .await
        .unwrap();
    let ill = run(&pool, &["db", "status", "--json"], &[]).await;
    assert_eq!(ill.status.code(), Some(1));
    let ill: Vec<_> = rows(&ill).into_iter().filter(|row| !row.1).collect();
    assert_eq!(ill.len(), 1);
    assert!(ill[0].0.starts_with("20261125000001 ") && ill[0].2.contains("changed"));

    let doctor = run(&pool, &["doctor", "--json"], &[]).await;
    assert_eq!(doctor.status.code(), Some(1));
    let found = rows(&doctor);
    let migrations = about(&found, "migrations");
    assert!(!migrations[0].0 && migrations[0].1.contains("20261125000001"));
}

#[sqlx::test(migrations = false)]
async fn migrating_is_noted_once_with_what_was_applied(pool: PgPool) {
    let status = run(&pool, &["db", "status"], &[]).await;
    assert_eq!(status.status.code(), Some(1));
    assert!(text(&status.stdout).contains("missing: onelastai db migrate"));

    let migrated = run(&pool, &["db", "migrate", "--json"], &[]).await;
    assert_eq!(
        migrated.status.code(),
        Some(0),
        "{}",
        text(&migrated.stderr)
    );
    let again = run(&pool, &["db", "migrate", "--json"], &[]).await;
    assert_eq!(printed(&again), json!({ "applied": 0 }));

    let (actor, action, versions): (String, String, Value) =
        sqlx::query_as("SELECT actor, action, changes #> '{versions,1}' FROM audit_logs")
            .fetch_one(&pool)
            .await
            .unwrap();
    assert_eq!(
        (actor.as_str(), action.as_str()),
        ("onelastai db migrate", "database.migrate")
    );
    let versions = versions.as_array().unwrap();
    assert_eq!(printed(&migrated)["applied"], versions.len());
    assert_eq!(versions[0], 20_261_125_000_001_i64);
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM audit_logs")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(rows, 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn the_schema_is_printed_as_sql_and_as_json(pool: PgPool) {
    let plain = run(&pool, &["db", "dump-schema"], &[]).await;
    assert_eq!(plain.status.code(), Some(0), "{}", text(&plain.stderr));
    assert!(text(&plain.stdout).contains("CREATE TABLE public.audit_logs"));
    let as_json = run(&pool, &["db", "dump-schema", "--json"], &[]).await;
    assert_eq!(as_json.status.code(), Some(0));
    let schema = printed(&as_json);
    let schema = schema["schema"].as_str().unwrap();
    assert!(schema.contains("CREATE TABLE public.audit_logs"));

    let lost = [("PATH", "")];
    let lost = run(&pool, &["db", "dump-schema"], &lost).await;
    assert_eq!(lost.status.code(), Some(1));
    assert!(text(&lost.stderr).contains("can't run pg_dump"));
}

#[sqlx::test(migrations = "../migrations")]
async fn models_health_tells_by_its_exit_code(pool: PgPool) {
    let well = run(&pool, &["models", "health", "--json"], &[]).await;
    assert_eq!(well.status.code(), Some(0), "{}", text(&well.stderr));
    let report = printed(&well);
    assert!(!report.as_array().unwrap().is_empty());
    for instance in report.as_array().unwrap() {
        assert_eq!(instance["reachable"], true);
        assert_eq!(instance["model_present"], true);
    }
    let ill = [("OLLAMA_URLS", "http://127.0.0.1:1")];
    let as_json = run(&pool, &["models", "health", "--json"], &ill).await;
    assert_eq!(as_json.status.code(), Some(1));
    assert_eq!(printed(&as_json)[0]["reachable"], false);
    let plain = run(&pool, &["models", "health"], &ill).await;
    assert_eq!(plain.status.code(), Some(1));
    let table = text(&plain.stdout);
    assert!(
        table.starts_with("FAIL  model ") && table.contains("not reachable"),
        "{table}"
    );

    let wrong = run(&pool, &["models", "health"], &[("OLLAMA_URLS", ",")]).await;
    assert_eq!(wrong.status.code(), Some(1));
    assert!(text(&wrong.stderr).starts_with("onelastai: OLLAMA_URLS "));
}

#[sqlx::test(migrations = false)]
async fn a_server_without_its_site_does_not_start(pool: PgPool) {
    let nowhere = [("SITE_ROOT", "/nowhere/site")];
    let output = run(&pool, &["serve"], &nowhere).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("onelastai: SITE_ROOT: "));
}
