//! Replicas that go away in the middle, and what others make of it.

use std::{mem::forget, time::Duration};

use onelastai_db::PgPool;
use onelastai_usage::{Clock, Limit, UsageSettings};
use tokio::runtime::Runtime;

use crate::fixture::{
    NOON, Redis, ask, complete, eventually, person, row, set_limits, settings, sums, used,
};

fn with(clock: &Clock) -> UsageSettings {
    UsageSettings {
        clock: clock.clone(),
        renew: Duration::from_millis(10),
        ..settings()
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_a_killed_replica_was_at_is_settled_once(pool: PgPool) {
    let redis = Redis::start().await;
    set_limits(&pool, "requests_per_day = 100, tokens_per_day = 1000").await;
    let user = person(&pool).await;
    let clock = Clock::standing_at(NOON);
    let request = ask(user);
    let other_request = ask(user);
    // A runtime of its own: when it is shut down, everything in it stops where it is.
    let doomed = Runtime::new().unwrap();
    let (in_it, redis_client) = (request.clone(), redis.client());
    let (settings_of_it, options) = (with(&clock), (*pool.connect_options()).clone());
    let elsewhere = ask(user);
    let (left, left_elsewhere) = (other_request.clone(), elsewhere.clone());
    doomed
        .spawn(async move {
            // Connections belong to the runtime that made them.
            let pool = sqlx::PgPool::connect_with(options).await.unwrap();
            let connection = redis_client.get_connection_manager().await.unwrap();
            let usage = onelastai_usage::UsageService::new(pool, connection, settings_of_it);
            let admission = usage.admit(in_it).await.unwrap();
            admission.count(7);
            forget(admission);
            forget(usage.admit(left).await.unwrap());
            usage.reserve(&left_elsewhere).await.unwrap();
            forget(usage);
        })
        .await
        .unwrap();
    let survivor = redis.replica(&pool, with(&clock));
    // It lives as long as it says so: its word has come once the tokens are in Redis.
    eventually("the tokens so far are in Redis", || async {
        let mut connection = redis
            .client()
            .get_multiplexed_async_connection()
            .await
            .unwrap();
        let name = format!("onelastai:usage:{{u{}}}:open", user.0.as_bytes()[15] % 64);
        let record: String = redis::cmd("HGET")
            .arg(name)
            .arg(request.id.simple().to_string())
            .query_async(&mut connection)
            .await
            .unwrap();
        record.starts_with("7|")
    })
    .await;
    clock.set(NOON + 29_000);
    assert_eq!(survivor.reap().await.unwrap(), 0);
    doomed.shutdown_background();
    clock.set(NOON + 1_000_000);
    let (one, other) = tokio::join!(survivor.reap(), survivor.reap());
    assert_eq!(one.unwrap() + other.unwrap(), 2);
    assert_eq!(survivor.reap().await.unwrap(), 0);
    let state = |prompt, completion| {
        Some((
            "interrupted".to_owned(),
            Some("server_lost".to_owned()),
            prompt,
            completion,
        ))
    };
    assert_eq!(row(&pool, request.id).await, state(10, 7));
    assert_eq!(row(&pool, other_request.id).await, state(0, 0));
    // What another crate writes down is not written here.
    assert_eq!(row(&pool, elsewhere.id).await, None);
    assert_eq!(sums(&pool, user).await, (2, 0, 10, 7));
    eventually("nothing is reserved any more", || async {
        redis.reservations().await == 0 && used(&survivor, user, Limit::TokensPerDay).await == 17
    })
    .await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_replica_that_was_only_slow_and_the_reaper_count_one_of_the_two(pool: PgPool) {
    let redis = Redis::start().await;
    set_limits(&pool, "requests_per_day = 1000, tokens_per_day = 100000").await;
    let user = person(&pool).await;
    let clock = Clock::standing_at(NOON);
    // It renews nothing in time.
    let slow = redis.replica(
        &pool,
        UsageSettings {
            renew: Duration::from_secs(3600),
            ..with(&clock)
        },
    );
    let other = redis.replica(&pool, with(&clock));
    let mut reaped = 0;
    for round in 0..30 {
        clock.set(NOON + round * 100_000);
        let admission = slow.admit(ask(user)).await.unwrap();
        let id = admission.id();
        clock.set(NOON + round * 100_000 + 50_000);
        let (by_reaper, by_itself) =
            tokio::join!(other.reap(), slow.settle(admission, complete(9, 9)));
        let by_reaper = by_reaper.unwrap();
        assert_eq!(by_reaper + usize::from(by_itself), 1);
        reaped += by_reaper;
        let status = if by_itself { "complete" } else { "interrupted" };
        assert_eq!(row(&pool, id).await.unwrap().0, status);
    }
    let settled = 30 - i64::try_from(reaped).unwrap();
    assert_eq!(sums(&pool, user).await, (30, 0, 9 * settled, 9 * settled));
    eventually("Redis agrees", || async {
        redis.reservations().await == 0
            && used(&slow, user, Limit::RequestsPerDay).await == 30
            && used(&slow, user, Limit::TokensPerDay).await == u64::try_from(18 * settled).unwrap()
    })
    .await;
}
