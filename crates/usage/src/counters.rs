//! The counts in Redis. Each call is one round trip and one script, all or nothing.
//!
//! | key (`onelastai:usage:{u<shard>}:…`) | what |
//! |---|---|
//! | `person:{id}` | hash: the minute `m` with requests and tokens `r`, `t`, those of the minute before `R`, `T`; the day `d` with `dr`, `dt`; `v` |
//! | `key:{id}` | hash: the same minutes of an API key; the month `mo` with its cost `c` |
//! | `open` | hash: what is reserved, by request |
//! | `leases` | sorted set: until when a reservation is looked after |
//!
//! All keys of a person are of one shard, and so on one node of a cluster.

use std::sync::LazyLock;

use onelastai_types::UserId;
use redis::{ErrorKind, RedisError, RedisResult, Script, aio::ConnectionManager};
use uuid::Uuid;

use crate::{
    Ask, Limit, Scope, TierLimits, calendar::month_of, clock::Clock, rate::Counts, record::Kind,
    window::Minutes,
};

static ADMIT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/admit.lua")));
static SEED: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/seed.lua")));
static RENEW: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/renew.lua")));
static TAKE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/take.lua")));
static SETTLE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/settle.lua")));

pub(crate) const SHARDS: u8 = 64;

/// The shard of a person: never to be changed, or counts of old and new versions part.
pub(crate) fn shard(user: UserId) -> u8 {
    user.0.as_bytes()[15] % SHARDS
}

fn person_key(user: UserId) -> String {
    format!(
        "onelastai:usage:{{u{}}}:person:{}",
        shard(user),
        user.0.simple()
    )
}

fn key_key(user: UserId, key: Uuid) -> String {
    format!("onelastai:usage:{{u{}}}:key:{}", shard(user), key.simple())
}

fn open_key(shard: u8) -> String {
    format!("onelastai:usage:{{u{shard}}}:open")
}

fn leases_key(shard: u8) -> String {
    format!("onelastai:usage:{{u{shard}}}:leases")
}

fn simple(id: Uuid) -> String {
    id.simple().to_string()
}

/// What the script says to a request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Answer {
    Reserved(Counts),
    /// Which limit, and whose.
    Over(Limit, Scope, Counts),
    /// The sums of the day or month have to be set first.
    Unknown(Counts),
}

/// What a request took, for the counts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Correction {
    pub id: Uuid,
    pub user: UserId,
    pub key: Option<Uuid>,
    /// False where it was counted by somebody else: then the sums are taken anew.
    pub known: bool,
    /// False where it is to count as not made.
    pub request: bool,
    pub tokens: u64,
    pub cost: u64,
}

/// What PostgreSQL says about a person's day and a key's month.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sums {
    pub requests: u64,
    pub tokens: u64,
    pub cost: u64,
    /// Open reservations that are in them already.
    pub settled: Vec<Uuid>,
}

#[derive(Clone)]
pub(crate) struct Counters {
    connection: ConnectionManager,
    clock: Clock,
    lease_ms: u64,
}

fn no_limit(limit: Option<u64>) -> i64 {
    limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX >> 11))
}

fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

fn minutes(row: &[i64]) -> Minutes {
    let at = |index: usize| row.get(index).copied().unwrap_or(0);
    Minutes {
        minute: at(0),
        requests: count(at(1)),
        requests_before: count(at(2)),
        tokens: count(at(3)),
        tokens_before: count(at(4)),
    }
}

impl Counters {
    pub(crate) fn new(connection: ConnectionManager, clock: Clock, lease_ms: u64) -> Self {
        Self {
            connection,
            clock,
            lease_ms,
        }
    }

    /// Reserves, or says why not.
    pub(crate) async fn admit(
        &self,
        ask: &Ask,
        limits: &TierLimits,
        kind: Kind,
        lease_ms: u64,
    ) -> RedisResult<Answer> {
        let shard = shard(ask.user);
        let key = ask.key.as_ref();
        let mut call = ADMIT.prepare_invoke();
        call.key(person_key(ask.user))
            .key(open_key(shard))
            .key(leases_key(shard));
        if let Some(key) = key {
            call.key(key_key(ask.user, key.id));
        }
        let of_key = |limit: Option<u32>| no_limit(limit.map(u64::from));
        call.arg(self.clock.given())
            .arg(simple(ask.id))
            .arg(ask.tokens())
            .arg(ask.max_cost_micros)
            .arg(lease_ms)
            .arg(month_of(self.clock.now_ms()))
            .arg(of_key(limits.requests_per_minute))
            .arg(of_key(limits.tokens_per_minute))
            .arg(of_key(limits.requests_per_day))
            .arg(no_limit(limits.tokens_per_day))
            .arg(of_key(key.and_then(|key| key.requests_per_minute)))
            .arg(of_key(key.and_then(|key| key.tokens_per_minute)))
            .arg(no_limit(key.and_then(|key| key.monthly_budget_micros)))
            .arg(ask.prompt_tokens)
            .arg(simple(ask.user.0))
            .arg(key.map(|key| simple(key.id)).unwrap_or_default())
            .arg(kind.letter())
            .arg(ask.agent.map(|agent| simple(agent.0)).unwrap_or_default())
            .arg(&ask.model);
        let row: Vec<i64> = call.invoke_async(&mut self.connection.clone()).await?;
        let [status, which, now_ms, counts @ ..] = row.as_slice() else {
            return Err(RedisError::from((
                ErrorKind::UnexpectedReturnType,
                "a short answer",
            )));
        };
        let at = |index: usize| counts.get(index).copied().unwrap_or(0);
        let counts = Counts {
            now_ms: *now_ms,
            person: minutes(counts),
            day: (at(5) >= 0).then(|| (count(at(5)), count(at(6)))),
            key: minutes(counts.get(7..).unwrap_or_default()),
            cost: count(at(12)),
        };
        Ok(match (status, which) {
            (1, _) => Answer::Reserved(counts),
            (2, _) => Answer::Unknown(counts),
            (_, 1) => Answer::Over(Limit::RequestsPerMinute, Scope::Tier, counts),
            (_, 2) => Answer::Over(Limit::TokensPerMinute, Scope::Tier, counts),
            (_, 3) => Answer::Over(Limit::RequestsPerDay, Scope::Tier, counts),
            (_, 4) => Answer::Over(Limit::TokensPerDay, Scope::Tier, counts),
            (_, 5) => Answer::Over(Limit::RequestsPerMinute, Scope::Key, counts),
            (_, 6) => Answer::Over(Limit::TokensPerMinute, Scope::Key, counts),
            _ => Answer::Over(Limit::CostPerMonth, Scope::Key, counts),
        })
    }

    /// `v` and the open reservations of a person: what [`Self::seed`] has to be told.
    pub(crate) async fn before_seed(&self, user: UserId) -> RedisResult<(String, Vec<Uuid>)> {
        let (v, open): (Option<String>, Vec<(String, String)>) = redis::pipe()
            .atomic()
            .hget(person_key(user), "v")
            .hgetall(open_key(shard(user)))
            .query_async(&mut self.connection.clone())
            .await?;
        let person = simple(user.0);
        let ids = open
            .iter()
            .filter(|(_, record)| record.split('|').nth(2) == Some(&person))
            .filter_map(|(id, _)| Uuid::try_parse(id).ok())
            .collect();
        Ok((v.unwrap_or_default(), ids))
    }

    /// Sets the sums; false where a settlement came between. `v` `None` is set anyhow.
    pub(crate) async fn seed(
        &self,
        ask: &Ask,
        now_ms: i64,
        v: Option<&str>,
        sums: &Sums,
    ) -> RedisResult<bool> {
        let key = ask.key.as_ref();
        let mut call = SEED.prepare_invoke();
        call.key(person_key(ask.user))
            .key(open_key(shard(ask.user)));
        if let Some(key) = key {
            call.key(key_key(ask.user, key.id));
        }
        call.arg(v.unwrap_or("*"))
            .arg(simple(ask.user.0))
            .arg(now_ms.div_euclid(86_400_000))
            .arg(sums.requests)
            .arg(sums.tokens)
            .arg(key.map(|key| simple(key.id)).unwrap_or_default())
            .arg(month_of(now_ms))
            .arg(sums.cost);
        for id in &sums.settled {
            call.arg(simple(*id));
        }
        call.invoke_async(&mut self.connection.clone()).await
    }

    /// Puts what was taken in the place of what was reserved, all in one go.
    pub(crate) async fn correct(&self, corrections: &[Correction]) -> RedisResult<()> {
        let mut pipeline = redis::pipe();
        // After a flush or a restart the script would be gone, and in a pipeline that can't
        // be mended command by command.
        pipeline
            .cmd("SCRIPT")
            .arg("LOAD")
            .arg(include_str!("lua/settle.lua"))
            .ignore();
        for it in corrections {
            let shard = shard(it.user);
            pipeline
                .cmd("EVALSHA")
                .arg(SETTLE.get_hash())
                .arg(if it.key.is_some() { 4 } else { 3 })
                .arg(person_key(it.user))
                .arg(open_key(shard))
                .arg(leases_key(shard));
            if let Some(key) = it.key {
                pipeline.arg(key_key(it.user, key));
            }
            pipeline
                .arg(simple(it.id))
                .arg(u8::from(it.known))
                .arg(u8::from(it.request))
                .arg(it.tokens)
                .arg(it.cost)
                .ignore();
        }
        pipeline.query_async(&mut self.connection.clone()).await
    }

    /// What is kept of a reservation.
    pub(crate) async fn record(&self, id: Uuid, user: UserId) -> RedisResult<Option<String>> {
        redis::cmd("HGET")
            .arg(open_key(shard(user)))
            .arg(simple(id))
            .query_async(&mut self.connection.clone())
            .await
    }

    /// Says that these are under way, each with its tokens so far.
    pub(crate) async fn renew(&self, shard: u8, open: &[(Uuid, u32)]) -> RedisResult<()> {
        let mut call = RENEW.prepare_invoke();
        call.key(open_key(shard))
            .key(leases_key(shard))
            .arg(self.clock.given())
            .arg(self.lease_ms);
        for (id, tokens) in open {
            call.arg(simple(*id)).arg(*tokens);
        }
        call.invoke_async(&mut self.connection.clone()).await
    }

    /// Takes over what nobody looks after any more: ids and records.
    pub(crate) async fn take(&self, shard: u8, most: u32) -> RedisResult<Vec<(String, String)>> {
        TAKE.key(open_key(shard))
            .key(leases_key(shard))
            .arg(self.clock.given())
            .arg(self.lease_ms)
            .arg(most)
            .invoke_async(&mut self.connection.clone())
            .await
    }

    /// The counts of a person as they stand, changing nothing.
    pub(crate) async fn read(&self, user: UserId) -> RedisResult<Counts> {
        let fields = ["m", "r", "R", "t", "T", "d", "dr", "dt"];
        let ((seconds, micros), row): ((i64, i64), Vec<Option<i64>>) = redis::pipe()
            .cmd("TIME")
            .cmd("HMGET")
            .arg(person_key(user))
            .arg(&fields)
            .query_async(&mut self.connection.clone())
            .await?;
        let now_ms = match self.clock.given() {
            0 => seconds * 1000 + micros / 1000,
            given => given,
        };
        let row: Vec<i64> = row.into_iter().map(|field| field.unwrap_or(-1)).collect();
        let at = |index: usize| row.get(index).copied().unwrap_or(-1);
        let today = now_ms.div_euclid(86_400_000);
        Ok(Counts {
            now_ms,
            person: minutes(&row).at(now_ms),
            day: match at(5) {
                -1 => None,
                day if day < today => Some((0, 0)),
                _ => Some((count(at(6)), count(at(7)))),
            },
            key: Minutes::default(),
            cost: 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_keys_of_a_person_lie_together() {
        let user = UserId(Uuid::from_u128(0x47));
        assert_eq!(shard(user), 7);
        for key in [
            person_key(user),
            key_key(user, Uuid::nil()),
            open_key(shard(user)),
            leases_key(shard(user)),
        ] {
            assert!(key.starts_with("onelastai:usage:{u7}:"), "{key}");
        }
    }
}
