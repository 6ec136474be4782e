//! API keys have limits of their own, beside those of their person.

use std::time::Duration;

use onelastai_db::{PgPool, new_id};
use onelastai_types::UserId;
use onelastai_usage::{Ask, Cost, KeyLimits, Limit, Outcome, UsageError};
use uuid::Uuid;

use crate::fixture::{
    NOON, Redis, ask, complete, eventually, over, person, set_limits, settings, sums,
};

async fn key(pool: &PgPool, user: UserId) -> Uuid {
    let id: Uuid = new_id();
    sqlx::query(
        "INSERT INTO api_keys (id, user_id, name, prefix, key_hash, scopes)
         VALUES ($1, $2, 'k', 'ola_', decode(repeat(md5($1::text), 2), 'hex'), '{chat.write}')",
    )
    .bind(id)
    .bind(user.0)
    .execute(pool)
    .await
    .unwrap();
    id
}

fn limits(id: Uuid) -> KeyLimits {
    KeyLimits {
        id,
        requests_per_minute: None,
        tokens_per_minute: None,
        monthly_budget_micros: None,
    }
}

fn with(user: UserId, key: KeyLimits, cost: u64) -> Ask {
    Ask {
        key: Some(key),
        max_cost_micros: cost,
        ..ask(user)
    }
}

fn costs(micros: u64) -> Outcome {
    Outcome {
        cost: Some(Cost {
            micros,
            currency: "EUR".parse().unwrap(),
        }),
        ..complete(3, 4)
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_key_is_limited_beside_its_person(pool: PgPool) {
    let redis = Redis::start().await;
    set_limits(&pool, "requests_per_minute = 5").await;
    let usage = redis.replica(&pool, settings());
    let user = person(&pool).await;
    let one = KeyLimits {
        requests_per_minute: Some(2),
        ..limits(key(&pool, user).await)
    };
    let other = KeyLimits {
        tokens_per_minute: Some(60),
        ..limits(key(&pool, user).await)
    };
    let mut held = Vec::new();
    for _ in 0..2 {
        held.push(usage.admit(with(user, one.clone(), 0)).await.unwrap());
    }
    assert_eq!(held[1].headers().unwrap().limit, 2);
    let refused = usage.admit(with(user, one.clone(), 0)).await;
    assert!(matches!(
        refused,
        Err(UsageError::Exceeded {
            limit: Limit::RequestsPerMinute,
            scope: onelastai_usage::Scope::Key,
            ..
        })
    ));
    for _ in 0..2 {
        held.push(usage.admit(with(user, other.clone(), 0)).await.unwrap());
    }
    assert_eq!(
        over(usage.admit(with(user, other.clone(), 0)).await).0,
        Limit::TokensPerMinute
    );
    // All keys together have their person's limit.
    held.push(usage.admit(ask(user)).await.unwrap());
    assert_eq!(
        over(usage.admit(ask(user)).await).0,
        Limit::RequestsPerMinute
    );
    // More than a whole minute's tokens would never fit.
    let mut long = with(user, other, 0);
    long.max_completion_tokens = 51;
    assert!(matches!(
        usage.admit(long).await,
        Err(UsageError::ContextTooLong { limit: 60, .. })
    ));
}

#[sqlx::test(migrations = "../../migrations")]
async fn without_redis_a_budget_and_a_day_hold_as_postgresql_has_them(pool: PgPool) {
    let mut redis = Redis::start().await;
    set_limits(&pool, "requests_per_day = 4").await;
    let usage = redis.replica(&pool, settings());
    let user = person(&pool).await;
    let id = key(&pool, user).await;
    sqlx::query(
        "INSERT INTO api_key_usage (api_key_id, day, cost_micros)
         VALUES ($1, '2026-11-01', 500), ($1, '2026-10-31', 90000)",
    )
    .bind(id)
    .execute(&pool)
    .await
    .unwrap();
    let budget = KeyLimits {
        monthly_budget_micros: Some(1000),
        ..limits(id)
    };
    redis.kill();
    let held = usage.admit(with(user, budget.clone(), 300)).await.unwrap();
    // What is under way counts with all that it may cost.
    let (limit, _) = over(usage.admit(with(user, budget.clone(), 201)).await);
    assert_eq!(limit, Limit::CostPerMonth);
    let second = usage.admit(with(user, budget.clone(), 200)).await.unwrap();
    // It is used up, for what costs nothing too, and only for this key.
    assert_eq!(
        over(usage.admit(with(user, budget.clone(), 0)).await).0,
        Limit::CostPerMonth
    );
    let rest = [
        usage.admit(ask(user)).await.unwrap(),
        usage.admit(ask(user)).await.unwrap(),
    ];
    assert_eq!(over(usage.admit(ask(user)).await).0, Limit::RequestsPerDay);
    for admission in rest.into_iter().chain([held, second]) {
        assert!(usage.settle(admission, complete(1, 1)).await);
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_budget_that_nobody_can_look_up_lets_nothing_through(pool: PgPool) {
    let mut redis = Redis::start().await;
    set_limits(&pool, "requests_per_day = 4").await;
    let usage = redis.replica(&pool, settings());
    let user = person(&pool).await;
    let budget = KeyLimits {
        monthly_budget_micros: Some(1000),
        ..limits(key(&pool, user).await)
    };
    let free = limits(key(&pool, user).await);
    // The limits of the tiers are read while there is somebody to ask.
    drop(usage.limits_when_read(onelastai_types::Tier::Free).await);
    redis.kill();
    pool.close().await;
    assert!(matches!(
        usage.admit(with(user, budget, 0)).await,
        Err(UsageError::Unavailable)
    ));
    assert!(usage.admit(with(user, free, 0)).await.is_ok());
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_budget_holds_for_the_month_and_survives_redis(pool: PgPool) {
    let redis = Redis::start().await;
    set_limits(&pool, "tokens_per_day = 100000").await;
    let usage = redis.replica(&pool, settings());
    let user = person(&pool).await;
    let id = key(&pool, user).await;
    sqlx::query(
        "INSERT INTO api_key_usage (api_key_id, day, cost_micros)
         VALUES ($1, '2026-11-01', 500), ($1, '2026-10-31', 90000), ($1, '2026-12-01', 90000)",
    )
    .bind(id)
    .execute(&pool)
    .await
    .unwrap();
    let budget = KeyLimits {
        monthly_budget_micros: Some(1000),
        ..limits(id)
    };
    let first = usage.admit(with(user, budget.clone(), 300)).await.unwrap();
    let rate = first.headers().unwrap();
    assert_eq!((rate.policy, rate.remaining), ("cost_per_month", 200));
    let (limit, wait) = over(usage.admit(with(user, budget.clone(), 201)).await);
    assert_eq!(limit, Limit::CostPerMonth);
    // From 27 November 12:00:10 to 1 December.
    assert_eq!(wait, Duration::from_secs(3 * 86_400 + 12 * 3600 - 10));
    assert!(usage.settle(first, costs(120)).await);
    eventually("what it didn't cost is free again", || async {
        let admission = usage.admit(with(user, budget.clone(), 380)).await;
        let fits = admission.is_ok();
        if let Ok(admission) = admission {
            usage.settle(admission, costs(0)).await;
        }
        fits
    })
    .await;
    redis.flush().await;
    assert_eq!(
        over(usage.admit(with(user, budget.clone(), 381)).await).0,
        Limit::CostPerMonth
    );
    let last = usage.admit(with(user, budget.clone(), 380)).await.unwrap();
    assert!(usage.settle(last, costs(380)).await);
    // It is used up, for what costs nothing too.
    eventually("the budget is used up", || async {
        matches!(
            usage.admit(with(user, budget.clone(), 0)).await,
            Err(UsageError::Exceeded {
                limit: Limit::CostPerMonth,
                ..
            })
        )
    })
    .await;
    let row: (i64, i64, i64) = sqlx::query_as(
        "SELECT prompt_tokens, completion_tokens, cost_micros FROM api_key_usage
         WHERE api_key_id = $1 AND day = '2026-11-27'",
    )
    .bind(id)
    .fetch_one(&pool)
    .await
    .unwrap();
    let (_, _, prompt, completion) = sums(&pool, user).await;
    assert_eq!(row, (prompt, completion, 500));
    let (micros, currency): (i64, String) = sqlx::query_as(
        "SELECT sum(cost_micros)::bigint, min(cost_currency) FROM agent_interactions
         WHERE api_key_id = $1",
    )
    .bind(id)
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!((micros, currency.as_str()), (500, "EUR"));
    assert_eq!(NOON % 86_400_000, 43_210_000);
}
