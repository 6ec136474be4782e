//! How many requests a second are admitted and settled, and what that costs:
//!
//! ```text
//! cargo run --release -p onelastai-usage --example throughput -- [requests] [at once] [people]
//! ```
//!
//! Uses `DATABASE_URL` (migrated) and `REDIS_URL`, and makes people of its own there, whom
//! it deletes afterwards. CPU times are read from /proc, so on Linux only.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use onelastai_db::{PgPool, PoolSettings, connect, new_id};
use onelastai_types::{AnswerStatus, Tier, UserId};
use onelastai_usage::{Ask, Outcome, UsageService, UsageSettings};
use uuid::Uuid;

/// Seconds of CPU of all processes whose name begins like this.
fn cpu(name: &str) -> f64 {
    let mut ticks = 0;
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else {
            continue;
        };
        let Some((head, tail)) = stat.rsplit_once(')') else {
            continue;
        };
        if !head
            .split_once('(')
            .is_some_and(|(_, it)| it.starts_with(name))
        {
            continue;
        }
        // utime and stime are the fields 14 and 15 (proc_pid_stat(5)).
        let fields: Vec<i64> = tail.split(' ').filter_map(|it| it.parse().ok()).collect();
        ticks += fields.get(10).unwrap_or(&0) + fields.get(11).unwrap_or(&0);
    }
    ticks as f64 / 100.0
}

fn share(times: &mut [Duration], of: f64) -> Duration {
    times.sort_unstable();
    let index = (times.len() as f64 * of) as usize;
    times[index.min(times.len() - 1)]
}

async fn person(pool: &PgPool) -> UserId {
    let id: Uuid = new_id();
    sqlx::query(
        "INSERT INTO users (id, keycloak_issuer, keycloak_subject, username, display_name)
         VALUES ($1, 'throughput', $1::text, $1::text, 'throughput')",
    )
    .bind(id)
    .execute(pool)
    .await
    .unwrap();
    id.into()
}

#[tokio::main]
async fn main() {
    let mut numbers = std::env::args()
        .skip(1)
        .map(|it| it.parse::<usize>().unwrap());
    let requests = numbers.next().unwrap_or(50_000);
    let at_once = numbers.next().unwrap_or(64);
    let people = numbers.next().unwrap_or(100);
    let pool = connect(&PoolSettings {
        url: std::env::var("DATABASE_URL").expect("DATABASE_URL"),
        max_connections: 8,
        acquire_timeout: Duration::from_secs(5),
    })
    .await
    .unwrap();
    let client = redis::Client::open(std::env::var("REDIS_URL").expect("REDIS_URL")).unwrap();
    let connection = client.get_connection_manager().await.unwrap();
    let usage = UsageService::new(pool.clone(), connection, UsageSettings::default());
    let mut ids = Vec::new();
    for _ in 0..people {
        ids.push(person(&pool).await);
    }
    let (ids, next) = (Arc::new(ids), Arc::new(AtomicUsize::new(0)));
    let names = ["redis-server", "postgres", "throughput"];
    let before = names.map(cpu);
    let begun = Instant::now();
    let mut tasks = Vec::new();
    for _ in 0..at_once {
        let (usage, ids, next) = (usage.clone(), ids.clone(), next.clone());
        tasks.push(tokio::spawn(async move {
            let mut times = Vec::new();
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= requests {
                    return times;
                }
                let ask = Ask {
                    id: new_id(),
                    user: ids[n % ids.len()],
                    tier: Tier::Enterprise,
                    key: None,
                    prompt_tokens: 20,
                    max_completion_tokens: 100,
                    max_cost_micros: 0,
                    agent: None,
                    model: "llama3.2".to_owned(),
                };
                let asked = Instant::now();
                let admission = usage.admit(ask).await.unwrap();
                times.push(asked.elapsed());
                let outcome = Outcome {
                    model: Some("llama3.2".to_owned()),
                    instance: Some("one".to_owned()),
                    reason: Some("preferred".to_owned()),
                    total_ms: 5,
                    ..Outcome::ended(AnswerStatus::Complete, 20, 50)
                };
                // Nobody waits for it, as in the API.
                drop(usage.settle(admission, outcome));
            }
        }));
    }
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await.unwrap());
    }
    let admitted = begun.elapsed();
    assert!(
        usage.drain(Duration::from_secs(60)).await,
        "written down in time"
    );
    let written = begun.elapsed();
    let per_second = |time: Duration| requests as f64 / time.as_secs_f64();
    println!("admitted  {:8.0}/s", per_second(admitted));
    println!("written   {:8.0}/s", per_second(written));
    println!(
        "admission {:?} median, {:?} at 99 of 100",
        share(&mut times, 0.5),
        share(&mut times, 0.99)
    );
    for (name, before) in names.into_iter().zip(before) {
        let micros = (cpu(name) - before) * 1e6 / requests as f64;
        println!("{name:12} {micros:6.1} µs of CPU a request");
    }
    let rows: i64 = sqlx::query_scalar(
        "SELECT sum(requests)::bigint FROM usage_metrics JOIN users u ON u.id = user_id
         WHERE keycloak_issuer = 'throughput'",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(usize::try_from(rows).unwrap(), requests);
    sqlx::raw_sql(
        "DELETE FROM agent_interactions WHERE user_id IN
             (SELECT id FROM users WHERE keycloak_issuer = 'throughput');
         DELETE FROM users WHERE keycloak_issuer = 'throughput'",
    )
    .execute(&pool)
    .await
    .unwrap();
}
