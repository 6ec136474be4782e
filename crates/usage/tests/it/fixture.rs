//! Servers, people and requests.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::Duration,
};

use onelastai_db::{PgPool, new_id};
use onelastai_types::{AnswerStatus, Tier, UserId};
use onelastai_usage::{
    Admission, Ask, Clock, Limit, Outcome, UsageError, UsageService, UsageSettings,
};
use redis::{
    Client,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use uuid::Uuid;

/// 2026-11-27 12:00:10 UTC.
pub const NOON: i64 = 1_795_780_810_000;
pub const DAY: i64 = 86_400_000;

/// A Redis server of this test.
pub struct Redis {
    port: u16,
    child: Option<Child>,
}

impl Redis {
    pub async fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let mut redis = Self { port, child: None };
        redis.run().await;
        redis
    }

    /// Starts it (again), empty.
    pub async fn run(&mut self) {
        let child = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--port", &self.port.to_string()])
            .args(["--save", "", "--appendonly", "no"])
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server");
        self.child = Some(child);
        eventually("Redis answers", || async {
            let Ok(mut connection) = self.client().get_multiplexed_async_connection().await else {
                return false;
            };
            redis::cmd("PING")
                .query_async::<()>(&mut connection)
                .await
                .is_ok()
        })
        .await;
    }

    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    pub fn client(&self) -> Client {
        Client::open(format!("redis://127.0.0.1:{}/0", self.port)).unwrap()
    }

    pub async fn flush(&self) {
        let mut connection = self
            .client()
            .get_multiplexed_async_connection()
            .await
            .unwrap();
        redis::cmd("FLUSHALL")
            .query_async::<()>(&mut connection)
            .await
            .unwrap();
    }

    /// How many reservations there are.
    pub async fn reservations(&self) -> usize {
        let mut connection = self
            .client()
            .get_multiplexed_async_connection()
            .await
            .unwrap();
        let names: Vec<String> = redis::cmd("KEYS")
            .arg("onelastai:usage:*:open")
            .query_async(&mut connection)
            .await
            .unwrap();
        let mut count = 0;
        for name in names {
            count += redis::cmd("HLEN")
                .arg(name)
                .query_async::<usize>(&mut connection)
                .await
                .unwrap();
        }
        count
    }

    /// One replica, on this Redis.
    pub fn replica(&self, pool: &PgPool, settings: UsageSettings) -> UsageService {
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(Duration::from_secs(2)))
            .set_response_timeout(Some(Duration::from_secs(2)))
            .set_number_of_retries(1)
            .set_max_delay(Duration::from_millis(100));
        let connection = ConnectionManager::new_lazy_with_config(self.client(), config).unwrap();
        UsageService::new(pool.clone(), connection, settings)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Waits for a condition.
pub async fn eventually<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waiting)
        .await
        .unwrap_or_else(|_| panic!("in time: {what}"));
}

/// A standing clock, so that no test depends on when it runs.
pub fn settings() -> UsageSettings {
    UsageSettings {
        clock: Clock::standing_at(NOON),
        ..UsageSettings::default()
    }
}

pub async fn person(pool: &PgPool) -> UserId {
    let id: Uuid = new_id();
    sqlx::query(
        "INSERT INTO users (id, keycloak_issuer, keycloak_subject, username, display_name)
         VALUES ($1, 'issuer', $1::text, $1::text, 'Ada')",
    )
    .bind(id)
    .execute(pool)
    .await
    .unwrap();
    id.into()
}

pub async fn set_limits(pool: &PgPool, sets: &str) {
    let statement = format!(
        "UPDATE tier_limits SET requests_per_minute = NULL, tokens_per_minute = NULL,
             requests_per_day = NULL, tokens_per_day = NULL, max_context_tokens = NULL
         WHERE tier = 'free'; UPDATE tier_limits SET {sets} WHERE tier = 'free'"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement))
        .execute(pool)
        .await
        .unwrap();
}

/// 10 tokens of prompt, at most 20 of answer.
pub fn ask(user: UserId) -> Ask {
    Ask {
        id: new_id(),
        user,
        tier: Tier::Free,
        key: None,
        prompt_tokens: 10,
        max_completion_tokens: 20,
        max_cost_micros: 0,
        agent: None,
        model: "llama3.2".to_owned(),
    }
}

pub fn complete(prompt_tokens: u32, completion_tokens: u32) -> Outcome {
    Outcome {
        model: Some("llama3.2".to_owned()),
        total_ms: 5,
        ..Outcome::ended(AnswerStatus::Complete, prompt_tokens, completion_tokens)
    }
}

/// Which limit is in the way.
pub fn over(result: Result<Admission, UsageError>) -> (Limit, Duration) {
    match result {
        Err(UsageError::Exceeded {
            limit, retry_after, ..
        }) => (limit, retry_after),
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("admitted"),
    }
}

/// What is used of a limit, as people see it.
pub async fn used(usage: &UsageService, user: UserId, limit: Limit) -> u64 {
    let standing = usage.standing(user, Tier::Free).await.unwrap();
    standing
        .levels
        .iter()
        .find(|level| level.limit == limit)
        .expect("the limit")
        .used
}

/// Requests, errors, prompt and completion tokens in `usage_metrics`, over all days.
pub async fn sums(pool: &PgPool, user: UserId) -> (i64, i64, i64, i64) {
    sqlx::query_as(
        "SELECT coalesce(sum(requests), 0)::bigint, coalesce(sum(errors), 0)::bigint,
             coalesce(sum(prompt_tokens), 0)::bigint, coalesce(sum(completion_tokens), 0)::bigint
         FROM usage_metrics WHERE user_id = $1",
    )
    .bind(user.0)
    .fetch_one(pool)
    .await
    .unwrap()
}

/// How a request is written down: status, error, prompt and completion tokens.
pub async fn row(pool: &PgPool, id: Uuid) -> Option<(String, Option<String>, i32, i32)> {
    sqlx::query_as(
        "SELECT status, error_code, prompt_tokens, completion_tokens
         FROM agent_interactions WHERE id = $1",
    )
    .bind(id)
    .fetch_optional(pool)
    .await
    .unwrap()
}
