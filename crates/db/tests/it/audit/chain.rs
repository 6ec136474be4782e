//! Every writer chains, whatever it does.

use std::collections::HashSet;

use futures::future::join_all;
use onelastai_db::{
    MIGRATOR, PgPool,
    audit::{Head, verify},
    migrate, new_id,
};
use sqlx::{Connection, postgres::PgPoolOptions};
use uuid::Uuid;

use super::{id_of, sequences, sound, write, write_many};
use crate::{execute, user};

#[sqlx::test(migrations = "../../migrations")]
async fn an_empty_log_is_sound(pool: PgPool) {
    let report = sound(&pool).await;
    assert_eq!((report.rows, report.head), (0, Head::START));
    let noted = verify(&pool, Some(&Head::START)).await.unwrap();
    assert!(noted.is_sound());
}

#[sqlx::test(migrations = "../../migrations")]
async fn two_hundred_writers_at_once_make_one_chain(pool: PgPool) {
    // More connections than the test's own pool has, so that writers really meet.
    let wide = PgPoolOptions::new()
        .max_connections(24)
        .connect_with((*pool.connect_options()).clone())
        .await
        .unwrap();
    let mut people = Vec::new();
    for n in 0..10 {
        people.push(user(&wide, &format!("person {n}")).await);
    }
    // Each holds the lock of a row that others want too, as the product's transactions
    // do, writes one line or three, and every tenth changes its mind.
    let results = join_all((0..200_usize).map(|n| {
        let (pool, person) = (wide.clone(), people[n % 10]);
        tokio::spawn(async move {
            let mut transaction = pool.begin().await?;
            sqlx::query("UPDATE users SET locale = $2 WHERE id = $1")
                .bind(person)
                .bind(n.to_string())
                .execute(&mut *transaction)
                .await?;
            let lines = if n % 5 == 1 { 3 } else { 1 };
            for _ in 0..lines {
                write(&mut transaction, "test.write").await;
            }
            if n % 10 == 9 {
                transaction.rollback().await?;
                return Ok(0);
            }
            transaction.commit().await?;
            Ok::<i64, sqlx::Error>(lines)
        })
    }))
    .await;
    // A deadlock would be an error, or a panic, of one of them.
    let written: i64 = results.into_iter().map(|it| it.unwrap().unwrap()).sum();
    assert_eq!(written, 180 + 2 * 40);
    assert_eq!(sequences(&wide).await, (1..=written).collect::<Vec<_>>());
    let report = sound(&wide).await;
    assert_eq!(report.head.sequence, written);
    let sorted: bool = sqlx::query_scalar(
        "SELECT bool_and(ordered) FROM (
             SELECT occurred_at >= lag(occurred_at, 1, occurred_at) OVER (ORDER BY sequence)
             FROM audit_logs) AS it (ordered)",
    )
    .fetch_one(&wide)
    .await
    .unwrap();
    assert!(sorted);
    wide.close().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_caller_cannot_choose_its_place_hash_or_time(pool: PgPool) {
    write_many(&pool, 1).await;
    execute(
        &pool,
        "INSERT INTO audit_logs (id, actor, action, sequence, previous_hash, hash, occurred_at)
         SELECT gen_random_uuid(), 'x', 'x.y', 99, decode(repeat('aa', 32), 'hex'),
                decode(repeat('bb', 32), 'hex'), '2001-01-01'
         FROM generate_series(1, 3)",
    )
    .await
    .unwrap();
    assert_eq!(sequences(&pool).await, [1, 2, 3, 4]);
    sound(&pool).await;
    let recent: bool = sqlx::query_scalar(
        "SELECT bool_and(occurred_at > now() - interval '1 hour') FROM audit_logs",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert!(recent);
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_is_rolled_back_leaves_no_gap(pool: PgPool) {
    let mut connection = pool.acquire().await.unwrap();
    write(&mut connection, "test.first").await;
    let mut transaction = connection.begin().await.unwrap();
    write(&mut transaction, "test.kept").await;
    let mut savepoint = transaction.begin().await.unwrap();
    write(&mut savepoint, "test.undone").await;
    savepoint.rollback().await.unwrap();
    write(&mut transaction, "test.kept").await;
    transaction.commit().await.unwrap();
    let mut transaction = connection.begin().await.unwrap();
    write(&mut transaction, "test.undone").await;
    transaction.rollback().await.unwrap();
    write(&mut connection, "test.last").await;
    assert_eq!(sequences(&pool).await, [1, 2, 3, 4]);
    assert_eq!(sound(&pool).await.rows, 4);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_row_that_is_refused_or_skipped_uses_up_no_number(pool: PgPool) {
    write_many(&pool, 2).await;
    let skipped = sqlx::query(
        "INSERT INTO audit_logs (id, actor, action)
         VALUES (gen_random_uuid(), 'x', 'x.y'), ($1, 'x', 'x.y'), (gen_random_uuid(), 'x', 'x.y')
         ON CONFLICT (id) DO NOTHING",
    )
    .bind(id_of(&pool, 1).await)
    .execute(&pool)
    .await
    .unwrap();
    assert_eq!(skipped.rows_affected(), 2);
    for refused in [
        "INSERT INTO audit_logs (id, actor, action) VALUES (gen_random_uuid(), 'x', 'NO ACTION')",
        "INSERT INTO audit_logs (id, actor, action) VALUES (NULL, 'x', 'x.y')",
        "INSERT INTO audit_logs (id, actor, action, changes)
         VALUES (gen_random_uuid(), 'x', 'x.y', '[]')",
    ] {
        assert!(execute(&pool, refused).await.is_err(), "{refused}");
    }
    write_many(&pool, 1).await;
    assert_eq!(sequences(&pool).await, [1, 2, 3, 4, 5]);
    sound(&pool).await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_transaction_of_many_lines_moves_the_head_once(pool: PgPool) {
    let mut transaction = pool.begin().await.unwrap();
    for _ in 0..50 {
        write(&mut transaction, "test.write").await;
    }
    // Checks may be brought forward; the chain goes on all the same.
    sqlx::query("SET CONSTRAINTS ALL IMMEDIATE")
        .execute(&mut *transaction)
        .await
        .unwrap();
    write(&mut transaction, "test.write").await;
    transaction.commit().await.unwrap();
    let many = "INSERT INTO audit_logs (id, actor, action)
                SELECT gen_random_uuid(), 'x', 'x.y' FROM generate_series(1, 5000)";
    execute(&pool, many).await.unwrap();
    assert_eq!(sound(&pool).await.head.sequence, 5051);
    // Were it changed for each row, all that it was before would fill page after page.
    let pages: i64 = sqlx::query_scalar(
        "SELECT pg_relation_size('audit_chain') / current_setting('block_size')::bigint",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(pages, 1);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_writer_with_an_old_snapshot_is_refused_rather_than_forking_the_chain(pool: PgPool) {
    write_many(&pool, 1).await;
    let mut old = pool
        .begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ")
        .await
        .unwrap();
    sqlx::query("SELECT count(*) FROM audit_logs")
        .execute(&mut *old)
        .await
        .unwrap();
    write_many(&pool, 1).await;
    let refused = sqlx::query("INSERT INTO audit_logs (id, actor, action) VALUES ($1, 'x', 'x.y')")
        .bind(new_id::<Uuid>())
        .execute(&mut *old)
        .await
        .unwrap_err();
    // Serialization failure: begin again.
    let code = refused.as_database_error().and_then(|it| it.code());
    assert_eq!(code.as_deref(), Some("40001"));
    drop(old);
    assert_eq!(sound(&pool).await.rows, 2);
}

#[sqlx::test(migrations = "../../migrations")]
async fn nobody_moves_the_head_by_hand(pool: PgPool) {
    write_many(&pool, 2).await;
    for sql in [
        "UPDATE audit_chain SET sequence = 1",
        "DELETE FROM audit_chain",
        "TRUNCATE audit_chain",
        "INSERT INTO audit_chain DEFAULT VALUES",
    ] {
        let error = execute(&pool, sql).await.unwrap_err().to_string();
        assert!(error.contains("append-only"), "{sql}: {error}");
    }
    sound(&pool).await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn postgresql_and_rust_work_out_the_same_hash(pool: PgPool) {
    // Absent and empty, long, foreign scripts, networks, what only jsonb can hold.
    execute(
        &pool,
        r#"INSERT INTO audit_logs
               (id, actor_id, actor, action, target_type, target_id, address, user_agent, changes)
           SELECT gen_random_uuid(), actor_id, actor, 'x.y', kind, target, address, agent, changes
           FROM (VALUES (NULL::uuid), (gen_random_uuid())) AS a (actor_id),
                (VALUES (''), ('Zoë 漢字 🦉' || chr(10) || chr(27))) AS b (actor),
                (VALUES (NULL), ('')) AS c (kind),
                (VALUES (NULL::uuid), (gen_random_uuid())) AS d (target),
                (VALUES (NULL::inet), ('192.0.2.1'), ('192.0.2.1/24'), ('0.0.0.0/0'), ('::1'),
                        ('::ffff:192.0.2.1'), ('2001:db8::1/64')) AS e (address),
                (VALUES (NULL), (repeat('é', 100000))) AS f (agent),
                (VALUES ('{}'::jsonb),
                        ('{"bb": [1.0, 1.00, -0, 1e400, "\u00e9\n\"\\"], "a": [null, {}]}')
                ) AS g (changes)"#,
    )
    .await
    .unwrap();
    assert_eq!(sound(&pool).await.rows, 2 * 2 * 2 * 2 * 7 * 2 * 2);
}

#[sqlx::test(migrations = false)]
async fn rows_from_before_the_chain_are_chained_in_order(pool: PgPool) {
    migrate(&pool).await.unwrap();
    MIGRATOR.undo(&pool, 20_261_125_000_004).await.unwrap();
    // Written in an order of their own; some at the same time.
    execute(
        &pool,
        "INSERT INTO audit_logs (id, occurred_at, actor, action)
         SELECT gen_random_uuid(), timestamptz '2026-01-01Z' + n * 7919 % 50 * interval '1 day',
                'old', 'x.y'
         FROM generate_series(1, 100) AS n",
    )
    .await
    .unwrap();
    let expected: Vec<Uuid> =
        sqlx::query_scalar("SELECT id FROM audit_logs ORDER BY occurred_at, id")
            .fetch_all(&pool)
            .await
            .unwrap();
    migrate(&pool).await.unwrap();
    write_many(&pool, 1).await;
    let chained: Vec<Uuid> = sqlx::query_scalar("SELECT id FROM audit_logs ORDER BY sequence")
        .fetch_all(&pool)
        .await
        .unwrap();
    assert_eq!(chained[..100], expected);
    assert_eq!(chained.iter().collect::<HashSet<_>>().len(), 101);
    assert_eq!(sound(&pool).await.rows, 101);
    let refused = execute(&pool, "UPDATE audit_logs SET actor = 'x'").await;
    assert!(refused.is_err());
}
