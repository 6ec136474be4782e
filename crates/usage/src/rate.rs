//! What is used of each limit, when there is room again, and what the headers say.

use std::time::Duration;

use crate::{
    KeyLimits, Limit, Scope, TierLimits,
    calendar::{DAY, date_of, day_left, month_left, month_span},
    window::{MINUTE, Minutes, Window},
};

/// For the headers `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// The policy's name, such as `requests_per_minute`.
    pub policy: &'static str,
    /// The limit (`q`).
    pub limit: u64,
    /// What is left of it (`r`).
    pub remaining: u64,
    /// Until all of it is there again, in seconds (`t`).
    pub reset_seconds: u64,
    /// The time that it holds for, in seconds (`w`).
    pub window_seconds: u64,
}

/// What is left after a request, for the headers of its response.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rates {
    /// The limit of which the least is left.
    pub tightest: Option<RateLimit>,
    /// Of the limits of requests, the one of which the least is left.
    pub requests: Option<RateLimit>,
    /// Of the limits of tokens, the one of which the least is left.
    pub tokens: Option<RateLimit>,
}

impl From<RateLimit> for Rates {
    /// One limit alone, such as the one that was in the way.
    fn from(rate: RateLimit) -> Self {
        let of = |what| rate.policy.starts_with(what).then_some(rate);
        Self {
            tightest: Some(rate),
            requests: of("requests_"),
            tokens: of("tokens_"),
        }
    }
}

/// How much is used of one limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    /// Which limit.
    pub limit: Limit,
    /// Whose it is.
    pub scope: Scope,
    /// The most there may be.
    pub most: u64,
    /// What is used, with what is reserved for requests under way.
    pub used: u64,
    /// Until all of it is there again.
    pub reset: Duration,
    /// The time that it holds for.
    pub window: Duration,
}

impl Level {
    /// What is left.
    #[must_use]
    pub fn remaining(&self) -> u64 {
        self.most.saturating_sub(self.used)
    }

    /// What is left, of 1.
    #[must_use]
    pub fn share_left(&self) -> f64 {
        if self.most == 0 {
            return 0.0;
        }
        self.remaining() as f64 / self.most as f64
    }

    /// As the headers have it.
    #[must_use]
    pub fn rate(&self) -> RateLimit {
        RateLimit {
            policy: self.limit.as_str(),
            limit: self.most,
            remaining: self.remaining(),
            reset_seconds: seconds_up(self.reset),
            window_seconds: self.window.as_secs(),
        }
    }
}

/// Whole seconds that are not too few.
fn seconds_up(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

/// Everything that was counted for one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub now_ms: i64,
    pub person: Minutes,
    /// Requests and tokens of the day, where they are counted.
    pub day: Option<(u64, u64)>,
    pub key: Minutes,
    /// Millionths, of the month.
    pub cost: u64,
}

impl Counts {
    /// Nothing is used.
    pub(crate) fn none(now_ms: i64) -> Self {
        Self {
            now_ms,
            person: Minutes::default().at(now_ms),
            day: None,
            key: Minutes::default(),
            cost: 0,
        }
    }

    fn window(&self, scope: Scope, limit: Limit) -> Window {
        let minutes = match scope {
            Scope::Tier => &self.person,
            Scope::Key => &self.key,
        };
        let (now, before) = if limit == Limit::RequestsPerMinute {
            (minutes.requests, minutes.requests_before)
        } else {
            (minutes.tokens, minutes.tokens_before)
        };
        Window {
            now,
            before,
            into: minutes.elapsed(self.now_ms),
        }
    }

    /// How much is used of a limit.
    pub(crate) fn level(&self, limit: Limit, scope: Scope, most: u64) -> Level {
        let window = self.window(scope, limit);
        let (used, reset, length) = match limit {
            Limit::RequestsPerMinute | Limit::TokensPerMinute => (
                window.used(),
                window.reset(),
                Duration::from_millis(MINUTE as u64),
            ),
            Limit::RequestsPerDay => (
                self.day.unwrap_or_default().0,
                day_left(self.now_ms),
                Duration::from_millis(DAY as u64),
            ),
            Limit::TokensPerDay => (
                self.day.unwrap_or_default().1,
                day_left(self.now_ms),
                Duration::from_millis(DAY as u64),
            ),
            Limit::CostPerMonth => {
                let (first, next) = month_span(date_of(self.now_ms));
                let days = u64::try_from((next - first).whole_days()).unwrap_or(30);
                let length = Duration::from_secs(days * 86_400);
                (self.cost, month_left(self.now_ms), length)
            }
        };
        Level {
            limit,
            scope,
            most,
            used,
            reset,
            window: length,
        }
    }

    /// Until `ask` more (of what the limit counts) fit.
    pub(crate) fn wait(&self, level: &Level, ask: u64) -> Duration {
        match level.limit {
            Limit::RequestsPerMinute | Limit::TokensPerMinute => {
                self.window(level.scope, level.limit).wait(ask, level.most)
            }
            _ => level.reset,
        }
    }

    /// All limits that there are.
    pub(crate) fn levels(&self, tier: &TierLimits, key: Option<&KeyLimits>) -> Vec<Level> {
        all_limits(tier, key)
            .map(|(limit, scope, most)| self.level(limit, scope, most))
            .collect()
    }

    /// What is left of those of which the least is left.
    pub(crate) fn rates(&self, tier: &TierLimits, key: Option<&KeyLimits>) -> Rates {
        let tightest = |of: fn(Limit) -> bool| {
            all_limits(tier, key)
                .filter(|(limit, _, _)| of(*limit))
                .map(|(limit, scope, most)| self.level(limit, scope, most))
                .min_by(|a, b| a.share_left().total_cmp(&b.share_left()))
                .map(|level| level.rate())
        };
        Rates {
            tightest: tightest(|_| true),
            requests: tightest(|limit| {
                matches!(limit, Limit::RequestsPerMinute | Limit::RequestsPerDay)
            }),
            tokens: tightest(|limit| matches!(limit, Limit::TokensPerMinute | Limit::TokensPerDay)),
        }
    }
}

/// The limits that there are, as (which, whose, how much).
pub(crate) fn all_limits(
    tier: &TierLimits,
    key: Option<&KeyLimits>,
) -> impl Iterator<Item = (Limit, Scope, u64)> + use<> {
    let count = |value: Option<u32>| value.map(u64::from);
    [
        (
            Limit::RequestsPerMinute,
            Scope::Tier,
            count(tier.requests_per_minute),
        ),
        (
            Limit::TokensPerMinute,
            Scope::Tier,
            count(tier.tokens_per_minute),
        ),
        (
            Limit::RequestsPerDay,
            Scope::Tier,
            count(tier.requests_per_day),
        ),
        (Limit::TokensPerDay, Scope::Tier, tier.tokens_per_day),
        (
            Limit::RequestsPerMinute,
            Scope::Key,
            key.and_then(|key| count(key.requests_per_minute)),
        ),
        (
            Limit::TokensPerMinute,
            Scope::Key,
            key.and_then(|key| count(key.tokens_per_minute)),
        ),
        (
            Limit::CostPerMonth,
            Scope::Key,
            key.and_then(|key| key.monthly_budget_micros),
        ),
    ]
    .into_iter()
    .filter_map(|(limit, scope, most)| Some((limit, scope, most?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(now_ms: i64, requests: u64, before: u64) -> Counts {
        Counts {
            now_ms,
            person: Minutes {
                minute: now_ms.div_euclid(MINUTE),
                requests,
                requests_before: before,
                ..Minutes::default()
            },
            day: None,
            key: Minutes::default(),
            cost: 0,
        }
    }

    #[test]
    fn requests_and_tokens_each_have_a_tightest_of_their_own() {
        let tier = TierLimits {
            tier: onelastai_types::Tier::Free,
            requests_per_minute: Some(10),
            tokens_per_minute: Some(1000),
            requests_per_day: Some(4),
            tokens_per_day: None,
            max_context_tokens: None,
            max_agents: None,
            models: None,
        };
        let it = Counts {
            day: Some((3, 0)),
            ..counts(600_000, 5, 0)
        };
        let rates = it.rates(&tier, None);
        let name = |rate: Option<RateLimit>| rate.map(|rate| (rate.policy, rate.remaining));
        assert_eq!(name(rates.tightest), Some(("requests_per_day", 1)));
        assert_eq!(name(rates.requests), Some(("requests_per_day", 1)));
        assert_eq!(name(rates.tokens), Some(("tokens_per_minute", 1000)));
        let alone = Rates::from(rates.tokens.unwrap());
        assert_eq!((alone.requests, alone.tokens), (None, rates.tokens));
    }

    #[test]
    fn the_last_minute_counts_less_and_less() {
        let used = |now_ms, now, before| {
            counts(now_ms, now, before)
                .level(Limit::RequestsPerMinute, Scope::Tier, 100)
                .used
        };
        assert_eq!(used(600_000, 3, 60), 63);
        assert_eq!(used(615_000, 3, 60), 48);
        assert_eq!(used(659_999, 3, 60), 4);
    }

    #[test]
    fn after_the_wait_it_fits_and_not_before() {
        for (into, now, before, ask, most) in [
            (0, 0, 10, 1, 10),
            (15_000, 4, 10, 1, 10),
            (59_000, 10, 0, 1, 10),
            (30_000, 9, 7, 5, 10),
            (1, 10, 10, 10, 10),
        ] {
            let it = counts(600_000 + into, now, before);
            let level = it.level(Limit::RequestsPerMinute, Scope::Tier, most);
            let wait = i64::try_from(it.wait(&level, ask).as_millis()).unwrap();
            let fits = |wait: i64| {
                let now_ms = 600_000 + into + wait;
                let later = Counts {
                    now_ms,
                    person: it.person.at(now_ms),
                    ..it
                };
                later
                    .level(Limit::RequestsPerMinute, Scope::Tier, most)
                    .used
                    + ask
                    <= most
            };
            assert!(wait > 0, "{into} {now} {before}");
            assert!(fits(wait), "{into} {now} {before}: {wait}");
            assert!(!fits(wait - 1), "{into} {now} {before}: {wait}");
        }
    }
}
