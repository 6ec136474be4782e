//! Somebody with the rights of the tables' owner tampers; `verify` names what they did.

use onelastai_db::{
    PgPool,
    audit::{Fault, Head, MAX_FAULTS, Report, verify},
};
use sqlx::{AssertSqlSafe, Executor};

use super::{sound, write_many};
use crate::execute;

/// Runs SQL with the triggers away, as an owner can.
async fn tamper(pool: &PgPool, sql: &str) {
    let mut transaction = pool.begin().await.unwrap();
    let sql = format!(
        "ALTER TABLE audit_logs DISABLE TRIGGER USER;
         ALTER TABLE audit_chain DISABLE TRIGGER USER;
         {sql};
         ALTER TABLE audit_logs ENABLE TRIGGER USER;
         ALTER TABLE audit_chain ENABLE TRIGGER USER;"
    );
    // Text that only this file makes.
    transaction.execute(AssertSqlSafe(sql)).await.unwrap();
    transaction.commit().await.unwrap();
}

/// Works out the hashes anew from a row on, and the head; the columns' own functions do.
const REHASH: &str = "
    DO $$
    DECLARE entry audit_logs; last bytea;
    BEGIN
        SELECT hash INTO last FROM audit_logs WHERE sequence = FROM_ROW - 1;
        FOR entry IN SELECT * FROM audit_logs WHERE sequence >= FROM_ROW ORDER BY sequence LOOP
            entry.previous_hash := last;
            last := audit_hash(entry);
            UPDATE audit_logs SET previous_hash = entry.previous_hash, hash = last
            WHERE id = entry.id;
        END LOOP;
        UPDATE audit_chain SET hash = last, sequence = (SELECT max(sequence) FROM audit_logs);
    END $$";

fn rehash(from: i64) -> String {
    REHASH.replace("FROM_ROW", &from.to_string())
}

async fn check(pool: &PgPool, noted: Option<&Head>) -> Report {
    verify(pool, noted).await.unwrap()
}

/// Writes ten rows, tampers, and compares what is found.
async fn found(pool: &PgPool, sql: &str, expected: &[Fault]) {
    write_many(pool, 10).await;
    let before = sound(pool).await;
    assert_eq!((before.rows, before.head.sequence), (10, 10));
    tamper(pool, sql).await;
    assert_eq!(check(pool, None).await.faults, expected, "{sql}");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_change_of_any_column_shows_at_its_row(pool: PgPool) {
    write_many(&pool, 10).await;
    execute(
        &pool,
        "CREATE TABLE kept AS SELECT * FROM audit_logs WHERE sequence = 4",
    )
    .await
    .unwrap();
    let columns: Vec<(String, String)> = sqlx::query_as(
        "SELECT column_name::text, data_type::text FROM information_schema.columns
         WHERE table_name = 'audit_logs' ORDER BY ordinal_position",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    assert!(columns.len() >= 13);
    for (column, kind) in columns.iter().filter(|(column, _)| column != "sequence") {
        // A column that is added later belongs under the hash too, and is tried here.
        let value = match (column.as_str(), kind.as_str()) {
            ("action", _) => "'test.wrote'",
            (_, "text") => "coalesce(VALUE, '') || 'x'",
            (_, "uuid") => "gen_random_uuid()",
            (_, "jsonb") => r#"'{"name": ["a", "c"]}'"#,
            (_, "timestamp with time zone") => "VALUE + interval '1 microsecond'",
            (_, "inet") => "'192.0.2.7'",
            (_, "bytea") => "set_byte(VALUE, 31, get_byte(VALUE, 31) # 1)",
            (column, kind) => panic!("no tampering known for {column}, {kind}"),
        };
        let value = value.replace("VALUE", column);
        tamper(
            &pool,
            &format!("UPDATE audit_logs SET {column} = {value} WHERE sequence = 4"),
        )
        .await;
        let report = check(&pool, None).await;
        assert_eq!(report.faults, [Fault::Changed { sequence: 4 }], "{column}");
        assert_eq!(report.faults[0].to_string(), "row 4 was changed");
        tamper(
            &pool,
            &format!(
                "UPDATE audit_logs SET {column} = (SELECT {column} FROM kept) WHERE sequence = 4"
            ),
        )
        .await;
        sound(&pool).await;
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn missing_rows_are_named(pool: PgPool) {
    let expected = [
        Fault::Missing { first: 1, last: 1 },
        Fault::Missing { first: 4, last: 6 },
        Fault::Missing { first: 8, last: 8 },
    ];
    found(
        &pool,
        "DELETE FROM audit_logs WHERE sequence IN (1, 4, 5, 6, 8)",
        &expected,
    )
    .await;
    let report = check(&pool, None).await;
    assert_eq!(report.rows, 5);
    assert_eq!(report.faults[0].to_string(), "row 1 is missing");
    assert_eq!(report.faults[1].to_string(), "rows 4 to 6 are missing");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_tail_cut_off_shows_at_the_head(pool: PgPool) {
    let expected = [Fault::Cut { first: 9, last: 10 }];
    found(
        &pool,
        "DELETE FROM audit_logs WHERE sequence > 8",
        &expected,
    )
    .await;
    // Whoever writes next does not cover it up.
    write_many(&pool, 1).await;
    let expected = [Fault::Missing { first: 9, last: 10 }];
    assert_eq!(check(&pool, None).await.faults, expected);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_log_that_was_emptied_shows_at_the_head(pool: PgPool) {
    let expected = [Fault::Cut { first: 1, last: 10 }];
    found(&pool, "DELETE FROM audit_logs", &expected).await;
    assert_eq!(
        check(&pool, None).await.faults[0].to_string(),
        "the end was cut off: rows 1 to 10 are missing"
    );
}

#[sqlx::test(migrations = "../../migrations")]
async fn rows_that_changed_places_are_named_with_their_own(pool: PgPool) {
    found(
        &pool,
        "ALTER TABLE audit_logs DROP CONSTRAINT audit_logs_sequence_key;
         UPDATE audit_logs SET sequence = 12 - sequence WHERE sequence IN (5, 7);
         ALTER TABLE audit_logs ADD CONSTRAINT audit_logs_sequence_key UNIQUE (sequence)",
        &[
            Fault::OutOfOrder {
                sequence: 5,
                written_as: 7,
            },
            Fault::OutOfOrder {
                sequence: 7,
                written_as: 5,
            },
        ],
    )
    .await;
    assert_eq!(
        check(&pool, None).await.faults[0].to_string(),
        "row 5 is out of order: it was written as row 7"
    );
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_gap_that_was_closed_shows(pool: PgPool) {
    let expected = [
        Fault::OutOfOrder {
            sequence: 8,
            written_as: 9,
        },
        Fault::OutOfOrder {
            sequence: 9,
            written_as: 10,
        },
        Fault::Cut {
            first: 10,
            last: 10,
        },
    ];
    found(
        &pool,
        "DELETE FROM audit_logs WHERE sequence = 8;
         UPDATE audit_logs SET sequence = sequence - 1 WHERE sequence = 9;
         UPDATE audit_logs SET sequence = sequence - 1 WHERE sequence = 10",
        &expected,
    )
    .await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_row_with_a_new_hash_does_not_fit_the_next(pool: PgPool) {
    found(
        &pool,
        "UPDATE audit_logs SET actor = 'somebody else' WHERE sequence = 4;
         UPDATE audit_logs SET hash = audit_hash(audit_logs) WHERE sequence = 4",
        &[Fault::Broken { sequence: 5 }],
    )
    .await;
    assert_eq!(
        check(&pool, None).await.faults[0].to_string(),
        "row 5 does not continue row 4: one of the two was replaced"
    );
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_last_row_with_a_new_hash_does_not_fit_the_head(pool: PgPool) {
    found(
        &pool,
        "UPDATE audit_logs SET actor = 'somebody else' WHERE sequence = 10;
         UPDATE audit_logs SET hash = audit_hash(audit_logs) WHERE sequence = 10",
        &[Fault::OtherHead { sequence: 10 }],
    )
    .await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_row_added_past_the_trigger_shows(pool: PgPool) {
    let expected = [
        Fault::Changed { sequence: 11 },
        Fault::BeyondHead {
            first: 11,
            last: 11,
        },
    ];
    found(
        &pool,
        "INSERT INTO audit_logs (id, actor, action, sequence, previous_hash, hash)
         SELECT gen_random_uuid(), 'x', 'x.y', 11, hash, hash FROM audit_logs WHERE sequence = 10",
        &expected,
    )
    .await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_number_that_is_there_twice_shows(pool: PgPool) {
    write_many(&pool, 3).await;
    tamper(
        &pool,
        "ALTER TABLE audit_logs DROP CONSTRAINT audit_logs_sequence_key;
         INSERT INTO audit_logs (id, actor, action, sequence, previous_hash, hash)
         SELECT 'ffffffff-0000-7000-8000-000000000000', 'x', 'x.y', 2, hash, hash
         FROM audit_logs WHERE sequence = 1",
    )
    .await;
    let faults = check(&pool, None).await.faults;
    assert_eq!(
        faults[0].to_string(),
        "the guard audit_logs_sequence_key is missing or disabled"
    );
    assert!(
        faults.contains(&Fault::Repeated { sequence: 2 }),
        "{faults:?}"
    );
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_missing_head_and_disabled_guards_show(pool: PgPool) {
    found(&pool, "DELETE FROM audit_chain", &[Fault::NoHead]).await;
    execute(
        &pool,
        "ALTER TABLE audit_logs DISABLE TRIGGER audit_logs_append_only",
    )
    .await
    .unwrap();
    execute(&pool, "DROP TRIGGER audit_logs_chain ON audit_logs")
        .await
        .unwrap();
    let names: Vec<_> = check(&pool, None).await.faults[..2]
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        names,
        [
            "the guard audit_logs_chain is missing or disabled",
            "the guard audit_logs_append_only is missing or disabled",
        ]
    );
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_chain_rewritten_to_its_end_shows_only_against_a_noted_head(pool: PgPool) {
    write_many(&pool, 6).await;
    let early = sound(&pool).await.head;
    write_many(&pool, 4).await;
    let late = sound(&pool).await.head;
    tamper(
        &pool,
        &format!(
            "UPDATE audit_logs SET actor = 'somebody else' WHERE sequence = 8; {}",
            rehash(8)
        ),
    )
    .await;
    // By itself it is a sound chain.
    sound(&pool).await;
    // Row 6 and all before it are as they were noted.
    assert_eq!(check(&pool, Some(&early)).await.faults, []);
    let faults = check(&pool, Some(&late)).await.faults;
    assert_eq!(faults, [Fault::Rewritten { sequence: 10 }]);
    assert!(
        faults[0]
            .to_string()
            .starts_with("row 10 does not have the noted hash")
    );
    // Later rows don't cover it up.
    write_many(&pool, 3).await;
    assert_eq!(check(&pool, Some(&late)).await.faults, faults);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_tail_cut_off_with_its_head_set_back_shows_only_against_a_noted_head(pool: PgPool) {
    write_many(&pool, 10).await;
    let noted = sound(&pool).await.head;
    tamper(
        &pool,
        &format!("DELETE FROM audit_logs WHERE sequence > 7; {}", rehash(7)),
    )
    .await;
    sound(&pool).await;
    let expected = [Fault::CutBeforeNoted { last: 7, noted: 10 }];
    assert_eq!(check(&pool, Some(&noted)).await.faults, expected);
    // Grown again to the noted length, it is another chain.
    write_many(&pool, 3).await;
    let expected = [Fault::Rewritten { sequence: 10 }];
    assert_eq!(check(&pool, Some(&noted)).await.faults, expected);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_report_stays_short(pool: PgPool) {
    // More than one statement's worth of rows.
    execute(
        &pool,
        "INSERT INTO audit_logs (id, actor, action)
         SELECT gen_random_uuid(), 'x', 'x.y' FROM generate_series(1, 4500)",
    )
    .await
    .unwrap();
    assert_eq!(sound(&pool).await.rows, 4500);
    tamper(
        &pool,
        "UPDATE audit_logs SET actor = 'y' WHERE sequence > 4000",
    )
    .await;
    let report = check(&pool, None).await;
    assert_eq!(report.faults.len(), MAX_FAULTS);
    assert_eq!(report.faults[0], Fault::Changed { sequence: 4001 });
    assert_eq!(report.more_faults, 400);
    assert_eq!(report.rows, 4500);
}
