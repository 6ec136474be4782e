//! `onelastai audit …`: the very program, on a database of its own.

use std::process::Output;

use onelastai_db::{Actor, AuditEntry, Origin, PgPool, audit::verify, new_id, record};
use serde_json::{Map, Value, json};

use crate::program::{self, text};

async fn run(pool: &PgPool, arguments: &[&str]) -> Output {
    program::run(pool, &[&["audit"][..], arguments].concat(), &[]).await
}

async fn write(pool: &PgPool, action: &'static str, name: &str) {
    let entry = AuditEntry {
        actor: Actor::User {
            id: new_id(),
            name: name.to_owned(),
        },
        origin: &Origin::default(),
        action,
        target_type: "agents",
        target_id: new_id(),
        changes: Map::from_iter([("name".to_owned(), json!([null, "Owl"]))]),
    };
    let mut connection = pool.acquire().await.unwrap();
    record(&mut connection, entry).await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn verify_tells_by_its_exit_code_and_in_words(pool: PgPool) {
    for name in ["zoe", "max", "eve"] {
        write(&pool, "agent.create", name).await;
    }
    let head = verify(&pool, None).await.unwrap().head.to_string();
    let well = run(&pool, &["verify"]).await;
    assert_eq!(well.status.code(), Some(0), "{}", text(&well.stderr));
    assert!(text(&well.stdout).contains(&head));
    let well = run(&pool, &["verify", "--head", &head, "--json"]).await;
    assert_eq!(well.status.code(), Some(0));
    let report: Value = serde_json::from_slice(&well.stdout).unwrap();
    assert_eq!(report["ok"], true);
    assert_eq!(report["head"], head.as_str());

    let other = head.replace("3:", "2:");
    let noted = run(&pool, &["verify", "--head", &other]).await;
    assert_eq!(noted.status.code(), Some(1));
    assert!(text(&noted.stdout).contains("row 2 does not have the noted hash"));

    for sql in [
        "ALTER TABLE audit_logs DISABLE TRIGGER audit_logs_append_only",
        "UPDATE audit_logs SET actor = 'mallory' WHERE sequence = 2",
        "ALTER TABLE audit_logs ENABLE TRIGGER audit_logs_append_only",
    ] {
        sqlx::query(sql).execute(&pool).await.unwrap();
    }
    let ill = run(&pool, &["verify"]).await;
    assert_eq!(ill.status.code(), Some(1));
    assert!(text(&ill.stdout).contains("FAIL  chain  row 2 was changed"));
    let ill = run(&pool, &["verify", "--json"]).await;
    assert_eq!(ill.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&ill.stdout).unwrap();
    assert_eq!(
        report["faults"],
        json!([{
            "fault": {"kind": "changed", "sequence": 2},
            "text": "row 2 was changed",
        }])
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn list_filters_and_goes_on_where_it_ended(pool: PgPool) {
    write(&pool, "agent.create", "zoe").await;
    write(&pool, "agent.update", "ma\u{1b}[2Jx").await;
    write(&pool, "session.sign_in", "zoe").await;
    let all = run(&pool, &["list"]).await;
    assert_eq!(all.status.code(), Some(0), "{}", text(&all.stderr));
    assert_eq!(text(&all.stdout).lines().count(), 3);
    assert!(!text(&all.stdout).contains('\u{1b}'));
    let some = run(
        &pool,
        &["list", "--action", "agent.", "--limit", "1", "--json"],
    )
    .await;
    let page: Value = serde_json::from_slice(&some.stdout).unwrap();
    assert_eq!(
        (&page["rows"][0]["sequence"], &page["next"]),
        (&json!(2), &json!(2))
    );
    let rest = run(
        &pool,
        &["list", "--action", "agent.", "--before", "2", "--json"],
    )
    .await;
    let page: Value = serde_json::from_slice(&rest.stdout).unwrap();
    assert_eq!(
        (&page["rows"][0]["actor"], &page["next"]),
        (&json!("zoe"), &Value::Null)
    );
    let id = page["rows"][0]["actor_id"].as_str().unwrap();
    let one = run(&pool, &["list", "--actor", id]).await;
    assert_eq!(text(&one.stdout).lines().count(), 1);
    let none = run(&pool, &["list", "--to", "2020-01-01"]).await;
    assert_eq!(
        (none.status.code(), text(&none.stdout)),
        (Some(0), String::new())
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn an_export_is_whole_and_noted(pool: PgPool) {
    write(&pool, "agent.create", "=1+1").await;
    let csv = run(&pool, &["export", "--format", "csv", "--text", "owl"]).await;
    assert_eq!(csv.status.code(), Some(0), "{}", text(&csv.stderr));
    // Its own note is part of it where it fits the query, as it does here.
    assert_eq!(text(&csv.stdout).lines().count(), 3);
    assert!(text(&csv.stdout).contains(",'=1+1,"));
    let jsonl = run(&pool, &["export", "--format", "jsonl"]).await;
    let lines: Vec<Value> = text(&jsonl.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let actions: Vec<_> = lines
        .iter()
        .map(|line| line["action"].as_str().unwrap())
        .collect();
    assert_eq!(actions, ["audit.export", "audit.export", "agent.create"]);
    assert_eq!(lines[1]["actor"], "onelastai audit export");
    assert_eq!(
        lines[1]["changes"],
        json!({"format": [null, "csv"], "text": [null, "owl"]})
    );
}

#[sqlx::test(migrations = false)]
async fn what_is_wrong_is_said_in_one_line(pool: PgPool) {
    let empty = run(&pool, &["verify"]).await;
    assert_eq!(empty.status.code(), Some(1));
    assert_eq!(
        text(&empty.stderr),
        "onelastai: the database is not up to date: onelastai db migrate\n"
    );
    for arguments in [
        &["verify", "--head", "12"][..],
        &["list", "--from", "yesterday"],
        &["list", "--limit", "201"],
        &["export"],
        &["export", "--format", "xml"],
    ] {
        let wrong = run(&pool, arguments).await;
        assert_eq!(wrong.status.code(), Some(2), "{arguments:?}");
        assert!(text(&wrong.stderr).starts_with("error: "), "{arguments:?}");
    }
}
