//! Which limits there are, when they are over, and when there is room again.

use std::time::Duration;

use onelastai_db::PgPool;
use onelastai_types::Tier;
use onelastai_usage::{Clock, Limit, UsageError, UsageSettings};

use crate::fixture::{
    DAY, NOON, Redis, ask, complete, eventually, over, person, set_limits, settings, sums, used,
};

#[sqlx::test(migrations = "../../migrations")]
async fn a_minute_slides(pool: PgPool) {
    let redis = Redis::start().await;
    set_limits(&pool, "requests_per_minute = 6").await;
    let clock = Clock::standing_at(NOON);
    let usage = redis.replica(
        &pool,
        UsageSettings {
            clock: clock.clone(),
            ..settings()
        },
    );
    let user = person(&pool).await;
    let mut held = Vec::new();
    for left in (0..6).rev() {
        let admission = usage.admit(ask(user)).await.unwrap();
        let rate = admission.headers().unwrap();
        assert_eq!(
            (rate.policy, rate.limit, rate.remaining, rate.window_seconds),
            ("requests_per_minute", 6, left, 60)
        );
        held.push(admission);
    }
    // The clock stands at 10 s: the first is free once a sixth of the next minute is over.
    let (limit, wait) = over(usage.admit(ask(user)).await);
    assert_eq!(
        (limit, wait),
        (Limit::RequestsPerMinute, Duration::from_secs(60))
    );
    let wait = i64::try_from(wait.as_millis()).unwrap();
    clock.set(NOON + wait - 1);
    assert_eq!(
        over(usage.admit(ask(user)).await).1,
        Duration::from_millis(1)
    );
    clock.set(NOON + wait);
    held.push(usage.admit(ask(user)).await.unwrap());
    over(usage.admit(ask(user)).await);
    // Two minutes later nothing of it counts.
    clock.set(NOON + wait + 120_000);
    assert_eq!(
        usage
            .admit(ask(user))
            .await
            .unwrap()
            .headers()
            .unwrap()
            .remaining,
        5
    );
    // A clock that goes back gives nothing back.
    clock.set(NOON);
    assert_eq!(
        usage
            .admit(ask(user))
            .await
            .unwrap()
            .headers()
            .unwrap()
            .remaining,
        4
    );
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_day_ends_at_midnight_and_late_answers_count_for_theirs(pool: PgPool) {
    let redis = Redis::start().await;
    set_limits(&pool, "requests_per_day = 2, tokens_per_day = 1000").await;
    let midnight = NOON - NOON % DAY + DAY;
    let clock = Clock::standing_at(midnight - 1500);
    let usage = redis.replica(
        &pool,
        UsageSettings {
            clock: clock.clone(),
            ..settings()
        },
    );
    let user = person(&pool).await;
    let first = usage.admit(ask(user)).await.unwrap();
    let late = usage.admit(ask(user)).await.unwrap();
    let (limit, wait) = over(usage.admit(ask(user)).await);
    assert_eq!(
        (limit, wait),
        (Limit::RequestsPerDay, Duration::from_millis(1500))
    );
    assert!(usage.settle(first, complete(1, 1)).await);

    clock.set(midnight);
    assert_eq!(used(&usage, user, Limit::RequestsPerDay).await, 0);
    let next = usage.admit(ask(user)).await.unwrap();
    assert!(usage.settle(late, complete(5, 6)).await);
    assert!(usage.settle(next, complete(7, 8)).await);
    eventually("only today's count", || async {
        used(&usage, user, Limit::TokensPerDay).await == 15
            && used(&usage, user, Limit::RequestsPerDay).await == 1
    })
    .await;
    let days: Vec<(String, i64, i64)> = sqlx::query_as(
        "SELECT day::text, requests, prompt_tokens + completion_tokens
         FROM usage_metrics WHERE user_id = $1 ORDER BY day",
    )
    .bind(user.0)
    .fetch_all(&pool)
    .await
    .unwrap();
    assert_eq!(
        days,
        [("2026-11-27".into(), 2, 13), ("2026-11-28".into(), 1, 15)]
    );
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_was_used_before_redis_knew_counts(pool: PgPool) {
    let redis = Redis::start().await;
    set_limits(&pool, "tokens_per_day = 1000").await;
    let user = person(&pool).await;
    sqlx::query(
        "INSERT INTO usage_metrics
             (id, user_id, model, day, requests, prompt_tokens, completion_tokens)
         VALUES (gen_random_uuid(), $1, 'a', '2026-11-27', 4, 400, 500),
             (gen_random_uuid(), $1, 'b', '2026-11-27', 1, 0, 60),
             (gen_random_uuid(), $1, 'a', '2026-11-26', 9, 9000, 9000)",
    )
    .bind(user.0)
    .execute(&pool)
    .await
    .unwrap();
    let usage = redis.replica(&pool, settings());
    assert_eq!(used(&usage, user, Limit::TokensPerDay).await, 960);
    let held = usage.admit(ask(user)).await.unwrap();
    assert_eq!(over(usage.admit(ask(user)).await).0, Limit::TokensPerDay);
    assert_eq!(used(&usage, user, Limit::TokensPerDay).await, 990);
    assert!(usage.settle(held, complete(1, 1)).await);
    assert_eq!(sums(&pool, user).await.0, 15);
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_a_tier_does_not_have_is_refused_before_it_counts(pool: PgPool) {
    let redis = Redis::start().await;
    set_limits(
        &pool,
        "requests_per_day = 5, max_context_tokens = 100, models = ARRAY['llama3.2']",
    )
    .await;
    let usage = redis.replica(&pool, settings());
    let user = person(&pool).await;
    let mut other = ask(user);
    other.model = "gpt-oss".to_owned();
    assert!(matches!(
        usage.admit(other.clone()).await,
        Err(UsageError::ModelNotInTier)
    ));
    let mut long = ask(user);
    long.max_completion_tokens = 91;
    assert!(matches!(
        usage.admit(long).await,
        Err(UsageError::ContextTooLong {
            tokens: 101,
            limit: 100
        })
    ));
    assert_eq!(used(&usage, user, Limit::RequestsPerDay).await, 0);
    // Another tier has other limits.
    other.tier = Tier::Enterprise;
    let admission = usage.admit(other).await.unwrap();
    assert_eq!(admission.headers(), None);
    let standing = usage.standing(user, Tier::Enterprise).await.unwrap();
    assert!(standing.levels.is_empty() && standing.tightest().is_none());
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_changed_table_takes_effect_without_a_restart(pool: PgPool) {
    let redis = Redis::start().await;
    let usage = redis.replica(
        &pool,
        UsageSettings {
            refresh: Duration::from_millis(20),
            ..settings()
        },
    );
    eventually("as shipped", || async {
        usage.limits(Tier::Pro).requests_per_minute == Some(300)
            && usage.limits(Tier::Enterprise).tokens_per_day.is_none()
    })
    .await;
    set_limits(&pool, "requests_per_minute = 1").await;
    eventually("the new limit", || async {
        usage.limits(Tier::Free).requests_per_minute == Some(1)
    })
    .await;
    let user = person(&pool).await;
    let _held = usage.admit(ask(user)).await.unwrap();
    over(usage.admit(ask(user)).await);
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_another_writes_down_is_reserved_here(pool: PgPool) {
    let redis = Redis::start().await;
    set_limits(&pool, "requests_per_day = 2, tokens_per_day = 1000").await;
    let usage = redis.replica(&pool, settings());
    let user = person(&pool).await;
    let (made, not_made) = (ask(user), ask(user));
    usage.reserve(&made).await.unwrap();
    let rate = usage.reserve(&not_made).await.unwrap().tightest.unwrap();
    assert_eq!((rate.policy, rate.remaining), ("requests_per_day", 0));
    over(usage.admit(ask(user)).await);
    usage.cancel(not_made.id, user, None).await;
    usage.settled_elsewhere(made.id, user, None, 9, 0).await;
    assert_eq!(used(&usage, user, Limit::RequestsPerDay).await, 1);
    assert_eq!(used(&usage, user, Limit::TokensPerDay).await, 9);
    assert_eq!(redis.reservations().await, 0);
    assert_eq!(sums(&pool, user).await, (0, 0, 0, 0));
}
