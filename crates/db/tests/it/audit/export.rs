//! Copies as CSV and JSON lines.

use futures::{StreamExt, TryStreamExt};
use onelastai_db::{
    Actor, Origin, PgPool,
    audit::{AuditQuery, ExportFormat, export, list, record_export},
};
use serde_json::{Value, json};
use sqlx::postgres::PgPoolOptions;

use super::{sound, write_many};
use crate::execute;

async fn copy(pool: &PgPool, query: AuditQuery, format: ExportFormat) -> String {
    let pieces: Vec<_> = export(pool, query, format).try_collect().await.unwrap();
    String::from_utf8(pieces.concat()).unwrap()
}

fn records(text: &str) -> Vec<Vec<String>> {
    csv::Reader::from_reader(text.as_bytes())
        .records()
        .map(|record| record.unwrap().iter().map(str::to_owned).collect())
        .collect()
}

/// A row with everything that is hard to write down.
async fn write_hostile(pool: &PgPool) {
    execute(
        pool,
        r#"INSERT INTO audit_logs
               (id, actor_id, actor, action, target_type, target_id, address, user_agent, changes)
           VALUES ('00000000-0000-7000-8000-000000000001', NULL, '=HYPERLINK("http://x","y")',
                   'x.y', '@users', NULL, '192.0.2.1', E'-1, "quoted"\r\nnext',
                   '{"b": [1.0, "=1"], "a": ["é", null]}')"#,
    )
    .await
    .unwrap();
}

#[sqlx::test(migrations = "../../migrations")]
async fn csv_comes_back_as_it_was_without_formulas(pool: PgPool) {
    write_hostile(&pool).await;
    let text = copy(&pool, AuditQuery::default(), ExportFormat::Csv).await;
    let (names, rest) = text.split_once("\r\n").unwrap();
    assert_eq!(
        names,
        "sequence,id,occurred_at,actor_id,actor,action,target_type,target_id,address,user_agent,\
         changes,previous_hash,hash"
    );
    assert!(rest.ends_with("\r\n"));
    let rows = records(&text);
    assert_eq!(rows.len(), 1);
    let head = sound(&pool).await.head.to_string();
    let expected = [
        (0, "1"),
        (1, "00000000-0000-7000-8000-000000000001"),
        (3, ""),
        (4, "'=HYPERLINK(\"http://x\",\"y\")"),
        (5, "x.y"),
        (6, "'@users"),
        (7, ""),
        (8, "192.0.2.1"),
        (9, "'-1, \"quoted\"\r\nnext"),
        (10, r#"{"a": ["é", null], "b": [1.0, "=1"]}"#),
        (12, head.trim_start_matches("1:")),
    ];
    for (column, value) in expected {
        assert_eq!(rows[0][column], value);
    }
    assert!(rows[0][2].ends_with('Z'), "{}", rows[0][2]);
}

#[sqlx::test(migrations = "../../migrations")]
async fn json_lines_have_everything_as_it_is(pool: PgPool) {
    write_hostile(&pool).await;
    write_many(&pool, 1).await;
    let text = copy(&pool, AuditQuery::default(), ExportFormat::Jsonl).await;
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(
        (&lines[0]["sequence"], &lines[1]["sequence"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(lines[0]["previous_hash"], lines[1]["hash"]);
    assert_eq!(lines[1]["actor"], "=HYPERLINK(\"http://x\",\"y\")");
    assert_eq!(lines[1]["user_agent"], "-1, \"quoted\"\r\nnext");
    assert_eq!(lines[1]["actor_id"], Value::Null);
    assert_eq!(lines[1]["changes"]["a"], json!(["é", null]));
    // The very text that the hash covers.
    assert!(
        text.contains(r#""changes":{"a": ["é", null], "b": [1.0, "=1"]}"#),
        "{text}"
    );
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_copy_of_nothing_has_only_names(pool: PgPool) {
    let csv = copy(&pool, AuditQuery::default(), ExportFormat::Csv).await;
    assert_eq!(csv.lines().count(), 1);
    let jsonl = copy(&pool, AuditQuery::default(), ExportFormat::Jsonl).await;
    assert_eq!(jsonl, "");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_copy_has_every_row_once_while_the_log_grows_and_holds_no_connection(pool: PgPool) {
    // One connection: were the copy to keep it, nobody could write meanwhile.
    let narrow = PgPoolOptions::new()
        .max_connections(1)
        .connect_with((*pool.connect_options()).clone())
        .await
        .unwrap();
    for total in [250, 300] {
        let have = list(&narrow, &AuditQuery::default(), None, 1)
            .await
            .unwrap();
        let have = have.rows.first().map_or(0, |row| row.sequence);
        write_many(&narrow, usize::try_from(total - have).unwrap()).await;
        let mut pieces = Box::pin(export(&narrow, AuditQuery::default(), ExportFormat::Csv));
        let mut text = Vec::new();
        let mut count = 0;
        while let Some(piece) = pieces.next().await {
            text.extend(piece.unwrap());
            count += 1;
            if total == 250 {
                write_many(&narrow, 5).await;
            }
        }
        assert!(count >= 3, "{count} pieces");
        let rows = records(std::str::from_utf8(&text).unwrap());
        let sequences: Vec<i64> = rows.iter().map(|row| row[0].parse().unwrap()).collect();
        assert_eq!(sequences, (1..=total).rev().collect::<Vec<_>>());
    }
    narrow.close().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_copy_follows_its_query_and_is_noted(pool: PgPool) {
    write_hostile(&pool).await;
    write_many(&pool, 3).await;
    let query = AuditQuery {
        action: Some("test.".to_owned()),
        text: Some("test".to_owned()),
        ..AuditQuery::default()
    };
    record_export(
        &pool,
        &Actor::Program("test"),
        &Origin::default(),
        &query,
        ExportFormat::Csv,
    )
    .await
    .unwrap();
    assert_eq!(
        records(&copy(&pool, query, ExportFormat::Csv).await).len(),
        3
    );
    let page = list(&pool, &AuditQuery::default(), None, 1).await.unwrap();
    let row = &page.rows[0];
    assert_eq!((row.action.as_str(), row.target_id), ("audit.export", None));
    assert_eq!(row.target_type.as_deref(), Some("audit_logs"));
    assert_eq!(
        Value::Object(row.changes.clone()),
        json!({"action": [null, "test."], "text": [null, "test"], "format": [null, "csv"]})
    );
    sound(&pool).await;
}
