//! Servers that forget, die and come back.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use onelastai_db::PgPool;
use onelastai_usage::{Limit, UsageError, UsageSettings};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};

use crate::fixture::{
    Redis, ask, complete, eventually, over, person, row, set_limits, settings, sums, used,
};

#[sqlx::test(migrations = "../../migrations")]
async fn a_flushed_redis_forgets_nothing_that_counts(pool: PgPool) {
    let redis = Redis::start().await;
    set_limits(&pool, "requests_per_day = 10, tokens_per_day = 1000").await;
    let usage = redis.replica(&pool, settings());
    let user = person(&pool).await;
    let mut held = Vec::new();
    for _ in 0..6 {
        held.push(usage.admit(ask(user)).await.unwrap());
    }
    let later = held.split_off(3);
    for admission in held {
        assert!(usage.settle(admission, complete(5, 5)).await);
    }
    redis.flush().await;
    // What is written down counts at once, what was under way as soon as it ends.
    let after = usage.admit(ask(user)).await.unwrap();
    assert_eq!(used(&usage, user, Limit::RequestsPerDay).await, 4);
    for admission in later {
        assert!(usage.settle(admission, complete(5, 5)).await);
    }
    eventually("all six are written down", || async {
        used(&usage, user, Limit::TokensPerDay).await == 60
    })
    .await;
    let last = usage.admit(ask(user)).await.unwrap();
    assert_eq!(used(&usage, user, Limit::RequestsPerDay).await, 8);
    assert_eq!(used(&usage, user, Limit::TokensPerDay).await, 120);
    assert!(usage.settle(after, complete(1, 0)).await);
    assert!(usage.settle(last, complete(1, 0)).await);
    assert_eq!(sums(&pool, user).await, (8, 0, 32, 30));
    eventually("and Redis agrees", || async {
        used(&usage, user, Limit::RequestsPerDay).await == 8
            && used(&usage, user, Limit::TokensPerDay).await == 62
    })
    .await;
    for _ in 0..2 {
        usage.reserve(&ask(user)).await.unwrap();
    }
    assert_eq!(over(usage.admit(ask(user)).await).0, Limit::RequestsPerDay);
}

#[sqlx::test(migrations = "../../migrations")]
async fn under_load_a_flush_lets_nobody_over_the_day(pool: PgPool) {
    let redis = Redis::start().await;
    set_limits(&pool, "requests_per_day = 300").await;
    let replicas = [
        redis.replica(&pool, settings()),
        redis.replica(&pool, settings()),
    ];
    let user = person(&pool).await;
    let done = Arc::new(AtomicUsize::new(0));
    let mut tasks = Vec::new();
    for n in 0..8 {
        let (usage, done) = (replicas[n % 2].clone(), done.clone());
        tasks.push(tokio::spawn(async move {
            loop {
                match usage.admit(ask(user)).await {
                    Ok(admission) => {
                        assert!(usage.settle(admission, complete(2, 3)).await);
                        done.fetch_add(1, Ordering::SeqCst);
                    }
                    Err(UsageError::Exceeded { limit, .. }) => {
                        assert_eq!(limit, Limit::RequestsPerDay);
                        return;
                    }
                    Err(error) => panic!("{error:?}"),
                }
            }
        }));
    }
    eventually("some are through", || async {
        done.load(Ordering::SeqCst) > 50
    })
    .await;
    redis.flush().await;
    for task in tasks {
        tokio::time::timeout(Duration::from_secs(60), task)
            .await
            .expect("an end")
            .unwrap();
    }
    let total = done.load(Ordering::SeqCst);
    // At most what was under way when Redis forgot it is too much: eight.
    assert!((300..=308).contains(&total), "{total}");
    let counted = i64::try_from(total).unwrap();
    assert_eq!(
        sums(&pool, user).await,
        (counted, 0, 2 * counted, 3 * counted)
    );
}

#[sqlx::test(migrations = "../../migrations")]
async fn without_redis_a_quarter_of_the_minute_is_let_through(pool: PgPool) {
    let mut redis = Redis::start().await;
    set_limits(
        &pool,
        "requests_per_minute = 40, requests_per_day = 100, tokens_per_day = 9000",
    )
    .await;
    let usage = redis.replica(
        &pool,
        UsageSettings {
            renew: Duration::from_millis(50),
            ..settings()
        },
    );
    let user = person(&pool).await;
    let before = usage.admit(ask(user)).await.unwrap();
    let id = before.id();
    redis.kill();
    let mut held = Vec::new();
    for _ in 0..10 {
        held.push(usage.admit(ask(user)).await.unwrap());
    }
    assert_eq!(held[9].headers().unwrap().remaining, 0);
    assert_eq!(
        over(usage.admit(ask(user)).await).0,
        Limit::RequestsPerMinute
    );
    // Somebody else has a quarter of their own.
    drop(usage.admit(ask(person(&pool).await)).await.unwrap());
    // Everything is written down as ever.
    assert!(usage.settle(before, complete(1, 1)).await);
    for admission in held {
        assert!(usage.settle(admission, complete(2, 2)).await);
    }
    assert_eq!(row(&pool, id).await.unwrap().0, "complete");
    assert_eq!(sums(&pool, user).await, (11, 0, 21, 21));

    redis.run().await;
    eventually("Redis counts again, and all of it", || async {
        let Ok(admission) = usage.admit(ask(user)).await else {
            return false;
        };
        let rate = admission.headers().unwrap();
        usage.settle(admission, complete(0, 0)).await;
        // In Redis the limit is the whole one.
        rate.limit > 10
    })
    .await;
    eventually("the day is as PostgreSQL has it", || async {
        let (requests, _, prompt, completion) = sums(&pool, user).await;
        used(&usage, user, Limit::RequestsPerDay).await == u64::try_from(requests).unwrap()
            && used(&usage, user, Limit::TokensPerDay).await
                == u64::try_from(prompt + completion).unwrap()
    })
    .await;
}

/// A way to PostgreSQL that can be cut.
struct Wire {
    port: u16,
    open: watch::Sender<bool>,
}

impl Wire {
    async fn to(host: String, port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (open, state) = watch::channel(true);
        let here = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let (host, mut state) = (host.clone(), state.clone());
                tokio::spawn(async move {
                    if !*state.borrow() {
                        return;
                    }
                    let mut server = TcpStream::connect((host.as_str(), port)).await.unwrap();
                    tokio::select! {
                        _ = copy_bidirectional(&mut client, &mut server) => {}
                        _ = state.wait_for(|open| !open) => {}
                    }
                });
            }
        });
        Self { port: here, open }
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn while_postgresql_is_away_usage_waits_and_then_nothing_more_is_admitted(pool: PgPool) {
    let redis = Redis::start().await;
    set_limits(&pool, "requests_per_day = 100").await;
    let options = pool.connect_options();
    let wire = Wire::to(options.get_host().to_owned(), options.get_port()).await;
    let through = sqlx::postgres::PgPoolOptions::new()
        .acquire_timeout(Duration::from_secs(2))
        .connect_with((*options).clone().host("127.0.0.1").port(wire.port))
        .await
        .unwrap();
    let usage = redis.replica(
        &through,
        UsageSettings {
            most_waiting: 5,
            ..settings()
        },
    );
    let user = person(&pool).await;
    let mut held = Vec::new();
    for _ in 0..6 {
        held.push(usage.admit(ask(user)).await.unwrap());
    }
    wire.open.send_replace(false);
    let mut settled = Vec::new();
    for admission in held.split_off(1) {
        settled.push(usage.settle(admission, complete(1, 1)));
    }
    // Nobody waits for this one.
    drop(settled.pop());
    assert!(matches!(
        usage.admit(ask(user)).await,
        Err(UsageError::Unavailable)
    ));
    // What was admitted before can still be settled.
    settled.extend(held.into_iter().map(|it| usage.settle(it, complete(1, 1))));
    assert!(!usage.drain(Duration::from_millis(300)).await);
    assert_eq!(sums(&pool, user).await.0, 0);
    wire.open.send_replace(true);
    for settled in settled {
        let counted = tokio::time::timeout(Duration::from_secs(30), settled).await;
        assert!(counted.expect("in time"));
    }
    assert!(usage.drain(Duration::from_secs(30)).await);
    assert_eq!(sums(&pool, user).await, (6, 0, 6, 6));
    assert!(usage.admit(ask(user)).await.is_ok());
}
