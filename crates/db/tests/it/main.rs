//! The schema, on a real PostgreSQL with a database for each test (`DATABASE_URL`).

// A test says what went wrong by panicking; its helpers are outside of #[test] functions.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    missing_docs
)]

mod audit;

use onelastai_db::{
    Actor, AuditEntry, Constraint, DbError, MIGRATOR, Origin, PgPool, create_database, migrate,
    new_id, record, status,
};
use serde_json::{Map, json};
use uuid::Uuid;

/// Runs SQL that is not part of the product, so it is not checked at compile time.
async fn execute(pool: &PgPool, sql: &'static str) -> Result<u64, sqlx::Error> {
    sqlx::query(sql)
        .execute(pool)
        .await
        .map(|done| done.rows_affected())
}

async fn user(pool: &PgPool, subject: &str) -> Uuid {
    let id: Uuid = new_id();
    sqlx::query(
        "INSERT INTO users (id, keycloak_issuer, keycloak_subject, username, display_name)
         VALUES ($1, 'issuer', $2, $2, $2)",
    )
    .bind(id)
    .bind(subject)
    .execute(pool)
    .await
    .unwrap();
    id
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_ten_tables_are_there_with_uuid_keys(pool: PgPool) {
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT table_name::text FROM information_schema.columns
         WHERE table_schema = 'public' AND column_name = 'id' AND data_type = 'uuid'
         ORDER BY 1",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    for table in [
        "agent_interactions",
        "agents",
        "api_keys",
        "audit_logs",
        "conversations",
        "messages",
        "subscriptions",
        "usage_metrics",
        "user_sessions",
        "users",
    ] {
        assert!(
            tables.iter().any(|found| found == table),
            "{table} in {tables:?}"
        );
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn every_foreign_key_has_an_index_to_find_its_rows_by(pool: PgPool) {
    // Without one, deleting a person or an agent would read whole tables.
    let missing: Vec<String> = sqlx::query_scalar(
        "SELECT c.conrelid::regclass || '.' || a.attname
         FROM pg_constraint c
         JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
         WHERE c.contype = 'f' AND NOT EXISTS (
             SELECT FROM pg_index i
             WHERE i.indrelid = c.conrelid AND i.indkey[0] = ANY (c.conkey))
         ORDER BY 1",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    assert_eq!(missing, Vec::<String>::new());
}

#[sqlx::test(migrations = false)]
async fn migrations_go_up_down_and_up_again(pool: PgPool) {
    assert!(status(&pool).await.unwrap().iter().all(|it| !it.applied));
    migrate(&pool).await.unwrap();
    assert!(
        status(&pool)
            .await
            .unwrap()
            .iter()
            .all(|it| it.applied && !it.changed)
    );
    MIGRATOR.undo(&pool, 0).await.unwrap();
    let left: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM information_schema.tables
         WHERE table_schema = 'public' AND table_name <> '_sqlx_migrations'",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(left, 0);
    migrate(&pool).await.unwrap();
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_audit_log_can_only_grow(pool: PgPool) {
    let target = new_id();
    let mut connection = pool.acquire().await.unwrap();
    let entry = AuditEntry {
        actor: Actor::Program("test"),
        origin: &Origin {
            address: "127.0.0.1".parse().ok(),
            user_agent: Some("x".repeat(900)),
        },
        action: "test.write",
        target_type: "users",
        target_id: target,
        changes: Map::from_iter([("name".to_owned(), json!(["a", "b"]))]),
    };
    record(&mut connection, entry).await.unwrap();
    for sql in [
        "UPDATE audit_logs SET actor = 'x'",
        "DELETE FROM audit_logs",
        "TRUNCATE audit_logs",
    ] {
        let error = execute(&pool, sql).await.unwrap_err().to_string();
        assert!(error.contains("append-only"), "{sql}: {error}");
    }
    let (count, agent): (i64, i32) =
        sqlx::query_as("SELECT count(*), max(length(user_agent)) FROM audit_logs")
            .fetch_one(&pool)
            .await
            .unwrap();
    assert_eq!((count, agent), (1, 400));
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_database_keeps_updated_at(pool: PgPool) {
    let forgotten: Vec<String> = sqlx::query_scalar(
        "SELECT c.table_name::text FROM information_schema.columns c
         WHERE c.table_schema = 'public' AND c.column_name = 'updated_at' AND NOT EXISTS (
             SELECT FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
             WHERE t.tgrelid = format('public.%I', c.table_name)::regclass
               AND p.proname = 'set_updated_at' AND t.tgenabled = 'O')
         ORDER BY 1",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    assert_eq!(forgotten, Vec::<String>::new());
    let id = user(&pool, "a").await;
    let changed: bool = sqlx::query_scalar(
        "UPDATE users SET locale = 'de' WHERE id = $1 RETURNING updated_at > created_at",
    )
    .bind(id)
    .fetch_one(&pool)
    .await
    .unwrap();
    assert!(changed);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_message_has_its_parent_in_its_own_conversation(pool: PgPool) {
    let user = user(&pool, "a").await;
    execute(
        &pool,
        "INSERT INTO agents (id, slug, name) VALUES ('00000000-0000-7000-8000-000000000001', 'a', 'A')",
    )
    .await
    .unwrap();
    let (first, second): (Uuid, Uuid) = (new_id(), new_id());
    for conversation in [first, second] {
        sqlx::query(
            "INSERT INTO conversations (id, user_id, agent_id, title)
             VALUES ($1, $2, '00000000-0000-7000-8000-000000000001', 'Über die Gezeiten')",
        )
        .bind(conversation)
        .bind(user)
        .execute(&pool)
        .await
        .unwrap();
    }
    let add = |conversation: Uuid, parent: Option<Uuid>| {
        let pool = pool.clone();
        async move {
            let id: Uuid = new_id();
            sqlx::query(
                "INSERT INTO messages (id, conversation_id, parent_id, role, content)
                 VALUES ($1, $2, $3, 'user', 'tides and the moon')",
            )
            .bind(id)
            .bind(conversation)
            .bind(parent)
            .execute(&pool)
            .await
            .map(|_| id)
        }
    };
    let root = add(first, None).await.unwrap();
    add(first, Some(root)).await.unwrap();
    assert!(add(second, Some(root)).await.is_err());

    let found: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM messages WHERE search @@ websearch_to_tsquery('simple', 'moon tides')",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(found, 2);
    let found: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM conversations WHERE search @@ websearch_to_tsquery('simple', 'gezeiten')",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(found, 2);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_huge_message_can_be_stored(pool: PgPool) {
    // A tsvector holds at most 1 MB; distinct words are the worst case.
    let words: String = (0..400_000).map(|n| format!("w{n} ")).collect();
    let length: i32 = sqlx::query_scalar("SELECT length(search_vector($1))")
        .bind(words)
        .fetch_one(&pool)
        .await
        .unwrap();
    assert!(length > 10_000);
}

#[sqlx::test(migrations = "../../migrations")]
async fn refusals_have_names(pool: PgPool) {
    user(&pool, "a").await;
    let again: Result<_, DbError> = sqlx::query(
        "INSERT INTO users (id, keycloak_issuer, keycloak_subject, username, display_name)
         VALUES ('00000000-0000-7000-8000-000000000009', 'issuer', 'a', 'a', 'a')",
    )
    .execute(&pool)
    .await
    .on_constraint("users_keycloak_identity_key", || {
        DbError::Refused("known".into())
    });
    assert!(matches!(again, Err(DbError::Refused(name)) if name == "known"));

    let money = execute(
        &pool,
        "INSERT INTO subscriptions (id, user_id, provider, tier, status, amount_minor, currency,
                                    billing_interval)
         SELECT '00000000-0000-7000-8000-000000000008', id, 'stripe', 'pro', 'active', -1, 'eur',
                'month' FROM users",
    );
    assert!(matches!(
        DbError::from(money.await.unwrap_err()),
        DbError::Refused(_)
    ));
}

#[sqlx::test(migrations = false)]
async fn a_database_is_created_once(pool: PgPool) {
    let name = format!("onelastai_made_{}", new_id::<Uuid>().simple());
    let base = std::env::var("DATABASE_URL").unwrap();
    let url = format!("{}/{name}", base.rsplit_once('/').unwrap().0);
    assert!(create_database(&url).await.unwrap());
    assert!(!create_database(&url).await.unwrap());
    sqlx::query(sqlx::AssertSqlSafe(format!("DROP DATABASE {name}")))
        .execute(&pool)
        .await
        .unwrap();
}
