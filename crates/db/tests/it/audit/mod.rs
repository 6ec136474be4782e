//! The audit log: its chain, what happens when somebody tampers with it, and reading it.

mod chain;
mod export;
mod reading;
mod tamper;

use onelastai_db::{
    Actor, AuditEntry, Origin, PgPool,
    audit::{Report, verify},
    new_id, record,
};
use serde_json::{Map, json};
use sqlx::PgConnection;
use uuid::Uuid;

/// Writes a line with this action.
async fn write(connection: &mut PgConnection, action: &'static str) {
    let entry = AuditEntry {
        actor: Actor::Program("test"),
        origin: &Origin::default(),
        action,
        target_type: "users",
        target_id: new_id(),
        changes: Map::from_iter([("name".to_owned(), json!(["a", "b"]))]),
    };
    record(connection, entry).await.unwrap();
}

/// Writes so many lines, each in a transaction of its own.
async fn write_many(pool: &PgPool, count: usize) {
    let mut connection = pool.acquire().await.unwrap();
    for _ in 0..count {
        write(&mut connection, "test.write").await;
    }
}

/// All that is there, as the chain has it.
async fn sequences(pool: &PgPool) -> Vec<i64> {
    sqlx::query_scalar("SELECT sequence FROM audit_logs ORDER BY sequence")
        .fetch_all(pool)
        .await
        .unwrap()
}

async fn id_of(pool: &PgPool, sequence: i64) -> Uuid {
    sqlx::query_scalar("SELECT id FROM audit_logs WHERE sequence = $1")
        .bind(sequence)
        .fetch_one(pool)
        .await
        .unwrap()
}

/// Verifies a log that must be sound.
async fn sound(pool: &PgPool) -> Report {
    let report = verify(pool, None).await.unwrap();
    assert_eq!(report.faults, []);
    report
}
