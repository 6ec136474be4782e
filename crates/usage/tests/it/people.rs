//! People and agents that are deleted while their requests are under way.

use onelastai_db::{PgPool, new_id};
use onelastai_types::AgentId;
use onelastai_usage::{Ask, UsageSettings};
use uuid::Uuid;

use crate::fixture::{Redis, ask, complete, person, row, settings, sums};

#[sqlx::test(migrations = "../../migrations")]
async fn a_batch_goes_through_without_the_one_who_was_deleted(pool: PgPool) {
    let redis = Redis::start().await;
    let usage = redis.replica(
        &pool,
        UsageSettings {
            // Long enough that all of them are in one statement.
            gather: std::time::Duration::from_millis(200),
            ..settings()
        },
    );
    let (stays, goes) = (person(&pool).await, person(&pool).await);
    let agent: Uuid = new_id();
    sqlx::query("INSERT INTO agents (id, slug, name) VALUES ($1, 'a', 'A')")
        .bind(agent)
        .execute(&pool)
        .await
        .unwrap();
    let with_agent = |user| Ask {
        agent: Some(AgentId(agent)),
        ..ask(user)
    };
    let first = usage.admit(with_agent(stays)).await.unwrap();
    let second = usage.admit(ask(goes)).await.unwrap();
    let third = usage.admit(ask(stays)).await.unwrap();
    let ids = [first.id(), second.id(), third.id()];
    sqlx::raw_sql("DELETE FROM agent_versions; DELETE FROM agents")
        .execute(&pool)
        .await
        .unwrap();
    sqlx::query("DELETE FROM users WHERE id = $1")
        .bind(goes.0)
        .execute(&pool)
        .await
        .unwrap();
    let settled = [
        usage.settle(first, complete(1, 2)),
        usage.settle(second, complete(3, 4)),
        usage.settle(third, complete(5, 6)),
    ];
    for settled in settled {
        assert!(settled.await);
    }
    assert_eq!(sums(&pool, stays).await, (2, 0, 6, 8));
    assert_eq!(sums(&pool, goes).await, (0, 0, 0, 0));
    // That there was an answer is still so; only not whose.
    for id in ids {
        assert!(row(&pool, id).await.is_some());
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn deletions_and_settlements_wait_for_one_another(pool: PgPool) {
    let redis = Redis::start().await;
    let usage = redis.replica(&pool, settings());
    let mut people = Vec::new();
    for _ in 0..30 {
        people.push(person(&pool).await);
    }
    let mut tasks = Vec::new();
    for user in people.clone() {
        let usage = usage.clone();
        tasks.push(tokio::spawn(async move {
            for _ in 0..5 {
                let admission = usage.admit(ask(user)).await.unwrap();
                assert!(usage.settle(admission, complete(1, 1)).await);
            }
        }));
    }
    for user in people.iter().step_by(2) {
        sqlx::query("DELETE FROM users WHERE id = $1")
            .bind(user.0)
            .execute(&pool)
            .await
            .unwrap();
    }
    for task in tasks {
        task.await.unwrap();
    }
    for (n, user) in people.into_iter().enumerate() {
        let expected = if n % 2 == 0 { 0 } else { 5 };
        assert_eq!(sums(&pool, user).await.0, expected);
    }
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM agent_interactions")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(rows, 150);
}
