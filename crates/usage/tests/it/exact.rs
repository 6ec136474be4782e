//! Right to the token, whoever does what at the same time.

use std::time::Duration;

use futures::future::join_all;
use onelastai_db::{PgPool, new_id};
use onelastai_types::{AgentId, AnswerStatus};
use onelastai_usage::{Limit, Outcome, UsageError};
use uuid::Uuid;

use crate::fixture::{
    Redis, ask, complete, eventually, person, row, set_limits, settings, sums, used,
};

#[sqlx::test(migrations = "../../migrations")]
async fn five_hundred_at_once_never_get_more_than_the_limit(pool: PgPool) {
    let redis = Redis::start().await;
    set_limits(&pool, "requests_per_minute = 200, tokens_per_day = 1000000").await;
    let replicas = [
        redis.replica(&pool, settings()),
        redis.replica(&pool, settings()),
    ];
    let user = person(&pool).await;
    let results = join_all((0..500).map(|n| replicas[n % 2].admit(ask(user)))).await;
    let mut admitted = Vec::new();
    for (n, result) in results.into_iter().enumerate() {
        match result {
            Ok(admission) => admitted.push((n, admission)),
            Err(UsageError::Exceeded { limit, .. }) => {
                assert_eq!(limit, Limit::RequestsPerMinute);
            }
            Err(error) => panic!("{error:?}"),
        }
    }
    assert_eq!(admitted.len(), 200);
    assert_eq!(
        used(&replicas[0], user, Limit::TokensPerDay).await,
        200 * 30
    );

    // Each takes another part of what it reserved, and any replica may see it end.
    let (mut prompt, mut completion) = (0, 0);
    let mut settled = Vec::new();
    for (n, admission) in admitted {
        let took = (
            u32::try_from(n % 11).unwrap(),
            u32::try_from(n % 21).unwrap(),
        );
        prompt += i64::from(took.0);
        completion += i64::from(took.1);
        settled.push(replicas[n % 2].settle(admission, complete(took.0, took.1)));
    }
    assert!(join_all(settled).await.into_iter().all(|counted| counted));
    assert_eq!(sums(&pool, user).await, (200, 0, prompt, completion));
    let total = u64::try_from(prompt + completion).unwrap();
    eventually("Redis has the tokens that were taken", || async {
        used(&replicas[1], user, Limit::TokensPerDay).await == total
    })
    .await;
    assert_eq!(redis.reservations().await, 0);
}

#[sqlx::test(migrations = "../../migrations")]
async fn tokens_that_were_not_taken_are_free_again(pool: PgPool) {
    let redis = Redis::start().await;
    set_limits(&pool, "tokens_per_day = 90").await;
    let usage = redis.replica(&pool, settings());
    let user = person(&pool).await;
    let held = [
        usage.admit(ask(user)).await.unwrap(),
        usage.admit(ask(user)).await.unwrap(),
        usage.admit(ask(user)).await.unwrap(),
    ];
    assert!(usage.admit(ask(user)).await.is_err());
    let [first, ..] = held;
    assert!(usage.settle(first, complete(0, 0)).await);
    eventually("there is room again", || async {
        used(&usage, user, Limit::TokensPerDay).await == 60
    })
    .await;
    drop(usage.admit(ask(user)).await.unwrap());
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_request_counts_once_however_often_it_is_settled(pool: PgPool) {
    let redis = Redis::start().await;
    set_limits(&pool, "requests_per_day = 100, tokens_per_day = 1000").await;
    let here = redis.replica(&pool, settings());
    let there = redis.replica(&pool, settings());
    let user = person(&pool).await;
    let once = ask(user);
    let first = here.admit(once.clone()).await.unwrap();
    // The same request once more is the same reservation.
    let second = there.admit(once.clone()).await.unwrap();
    let third = here.admit(once.clone()).await.unwrap();
    assert_eq!(used(&here, user, Limit::RequestsPerDay).await, 1);
    let settled = [
        here.settle(first, complete(3, 4)),
        there.settle(second, complete(3, 4)),
        here.settle(third, complete(3, 4)),
    ];
    let counted = join_all(settled).await;
    assert_eq!(counted.iter().filter(|counted| **counted).count(), 1);
    assert_eq!(sums(&pool, user).await, (1, 0, 3, 4));
    eventually("Redis agrees", || async {
        used(&here, user, Limit::TokensPerDay).await == 7
            && used(&here, user, Limit::RequestsPerDay).await == 1
    })
    .await;
    // And the next one counts beside it, exactly.
    let next = here.admit(ask(user)).await.unwrap();
    assert_eq!(used(&there, user, Limit::TokensPerDay).await, 37);
    assert_eq!(used(&there, user, Limit::RequestsPerDay).await, 2);
    drop(next);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_client_that_hangs_up_pays_for_what_it_got(pool: PgPool) {
    let redis = Redis::start().await;
    let usage = redis.replica(&pool, settings());
    let user = person(&pool).await;
    let (early, late) = (ask(user), ask(user));
    let admission = usage.admit(early.clone()).await.unwrap();
    drop(admission);
    let admission = usage.admit(late.clone()).await.unwrap();
    admission.count(4);
    admission.count(1);
    drop(admission);
    assert!(usage.drain(Duration::from_secs(20)).await);
    let state = |prompt, completion| {
        Some((
            "interrupted".to_owned(),
            Some("disconnected".to_owned()),
            prompt,
            completion,
        ))
    };
    assert_eq!(row(&pool, early.id).await, state(0, 0));
    assert_eq!(row(&pool, late.id).await, state(10, 5));
    assert_eq!(sums(&pool, user).await, (2, 0, 10, 5));
}

#[sqlx::test(migrations = "../../migrations")]
async fn whoever_goes_away_while_being_admitted_leaves_nothing_behind(pool: PgPool) {
    let redis = Redis::start().await;
    set_limits(&pool, "requests_per_day = 100").await;
    let usage = redis.replica(&pool, settings());
    let user = person(&pool).await;
    drop(usage.admit(ask(user)).await.unwrap());
    assert!(usage.drain(Duration::from_secs(20)).await);
    for _ in 0..50 {
        let admitting = usage.admit(ask(user));
        // Polled once: the request is on its way to Redis.
        let admitted = futures::FutureExt::now_or_never(admitting);
        assert!(admitted.is_none());
    }
    eventually("only the first one counts", || async {
        redis.reservations().await == 0 && used(&usage, user, Limit::RequestsPerDay).await == 1
    })
    .await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn many_replicas_write_the_same_rows_at_once(pool: PgPool) {
    let redis = Redis::start().await;
    set_limits(&pool, "max_context_tokens = NULL").await;
    let replicas: Vec<_> = (0..4).map(|_| redis.replica(&pool, settings())).collect();
    let mut people = Vec::new();
    for _ in 0..20 {
        people.push(person(&pool).await);
    }
    let mut requests = Vec::new();
    for round in 0..40 {
        for (n, usage) in replicas.iter().enumerate() {
            // Each in another order.
            let user = people[(round * (n + 3)) % people.len()];
            let usage = usage.clone();
            requests.push(tokio::spawn(async move {
                let admission = usage.admit(ask(user)).await.unwrap();
                usage.settle(admission, complete(1, 2)).await
            }));
        }
    }
    for counted in join_all(requests).await {
        assert!(counted.unwrap());
    }
    let mut all = (0, 0, 0);
    for user in people {
        let (requests, _, prompt, completion) = sums(&pool, user).await;
        all = (all.0 + requests, all.1 + prompt, all.2 + completion);
    }
    assert_eq!(all, (160, 160, 320));
}

#[sqlx::test(migrations = "../../migrations")]
async fn rows_say_everything_that_is_known(pool: PgPool) {
    let redis = Redis::start().await;
    let usage = redis.replica(&pool, settings());
    let user = person(&pool).await;
    let agent: Uuid = new_id();
    sqlx::query("INSERT INTO agents (id, slug, name) VALUES ($1, 'a', 'A')")
        .bind(agent)
        .execute(&pool)
        .await
        .unwrap();
    let admission = usage.admit(ask(user)).await.unwrap();
    let id = admission.id();
    let outcome = Outcome {
        instance: Some("one\0two".to_owned()),
        reason: Some("preferred".to_owned()),
        error_code: Some("model_reported".to_owned()),
        waiting_ms: Some(1),
        first_token_ms: Some(2),
        total_ms: u32::MAX,
        retries: 1,
        fallback: true,
        agent: Some(AgentId(agent)),
        status: AnswerStatus::Failed,
        ..complete(3, 4)
    };
    assert!(usage.settle(admission, outcome).await);
    let row: (Uuid, String, String, i32, i16, bool, Option<String>) = sqlx::query_as(
        "SELECT agent_id, instance, status, total_ms, retries, fallback, cost_currency
         FROM agent_interactions WHERE id = $1",
    )
    .bind(id)
    .fetch_one(&pool)
    .await
    .unwrap();
    let expected = (
        agent,
        "onetwo".into(),
        "failed".into(),
        i32::MAX,
        1,
        true,
        None,
    );
    assert_eq!(row, expected);
    assert_eq!(sums(&pool, user).await, (1, 1, 3, 4));
    let day: String = sqlx::query_scalar(
        "SELECT day::text || ' ' || (SELECT created_at::text FROM agent_interactions)
         FROM usage_metrics WHERE agent_id = $1",
    )
    .bind(agent)
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(day, "2026-11-27 2026-11-27 12:00:10+00");
}
