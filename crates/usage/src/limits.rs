//! The limits of the tiers: rows of `tier_limits`, held in memory.

use std::sync::{Arc, PoisonError, RwLock};

use onelastai_db::{DbResult, PgPool};
use onelastai_types::Tier;

/// What a limit counts, and over which time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Limit {
    /// Requests in any minute.
    RequestsPerMinute,
    /// Tokens in any minute, prompt and answer.
    TokensPerMinute,
    /// Requests of a day (UTC).
    RequestsPerDay,
    /// Tokens of a day (UTC), prompt and answer.
    TokensPerDay,
    /// Millionths of the currency in a month (UTC).
    CostPerMonth,
}

impl Limit {
    /// A stable name for programs, such as `requests_per_minute`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RequestsPerMinute => "requests_per_minute",
            Self::TokensPerMinute => "tokens_per_minute",
            Self::RequestsPerDay => "requests_per_day",
            Self::TokensPerDay => "tokens_per_day",
            Self::CostPerMonth => "cost_per_month",
        }
    }
}

/// Whose limit it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Of the person's tier.
    Tier,
    /// Of the API key.
    Key,
}

/// What one tier may use; `None` is no limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TierLimits {
    /// Which tier.
    pub tier: Tier,
    /// Requests in any minute.
    pub requests_per_minute: Option<u32>,
    /// Tokens in any minute, prompt and answer.
    pub tokens_per_minute: Option<u32>,
    /// Requests of a day (UTC).
    pub requests_per_day: Option<u32>,
    /// Tokens of a day (UTC).
    pub tokens_per_day: Option<u64>,
    /// Tokens of one request, prompt and answer.
    pub max_context_tokens: Option<u32>,
    /// Agents of one's own.
    pub max_agents: Option<u32>,
    /// Our names of the models that it has; `None` is all.
    pub models: Option<Vec<String>>,
}

impl TierLimits {
    /// Whether it has this model.
    #[must_use]
    pub fn has_model(&self, model: &str) -> bool {
        self.models
            .as_ref()
            .is_none_or(|models| models.iter().any(|it| it == model))
    }

    /// What holds until the table could be read: the least that is shipped, for everybody.
    fn until_read(tier: Tier) -> Self {
        Self {
            tier,
            requests_per_minute: Some(60),
            tokens_per_minute: Some(60_000),
            requests_per_day: Some(1_000),
            tokens_per_day: Some(1_000_000),
            max_context_tokens: Some(16_384),
            max_agents: Some(20),
            models: None,
        }
    }
}

const TIERS: [Tier; 3] = [Tier::Free, Tier::Pro, Tier::Enterprise];

/// The table, as it was last read.
pub(crate) struct Table(RwLock<[Arc<TierLimits>; 3]>);

impl Default for Table {
    fn default() -> Self {
        Self(RwLock::new(
            TIERS.map(|tier| Arc::new(TierLimits::until_read(tier))),
        ))
    }
}

fn index(tier: Tier) -> usize {
    match tier {
        Tier::Free => 0,
        Tier::Pro => 1,
        Tier::Enterprise => 2,
    }
}

impl Table {
    pub(crate) fn of(&self, tier: Tier) -> Arc<TierLimits> {
        let table = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&table[index(tier)])
    }

    /// Reads it anew. A tier without a row keeps what it had.
    pub(crate) async fn read(&self, pool: &PgPool) -> DbResult<()> {
        let rows = sqlx::query!(
            "SELECT tier, requests_per_minute, tokens_per_minute, requests_per_day,
                 tokens_per_day, max_context_tokens, max_agents, models
             FROM tier_limits"
        )
        .fetch_all(pool)
        .await?;
        let mut table = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for row in rows {
            let Ok(tier) = row.tier.parse::<Tier>() else {
                continue; // Of a later version.
            };
            let count = |value: Option<i32>| value.and_then(|value| u32::try_from(value).ok());
            table[index(tier)] = Arc::new(TierLimits {
                tier,
                requests_per_minute: count(row.requests_per_minute),
                tokens_per_minute: count(row.tokens_per_minute),
                requests_per_day: count(row.requests_per_day),
                tokens_per_day: row.tokens_per_day.and_then(|it| u64::try_from(it).ok()),
                max_context_tokens: count(row.max_context_tokens),
                max_agents: count(row.max_agents),
                models: row.models,
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_models_leaves_out_the_others() {
        let mut limits = TierLimits::until_read(Tier::Free);
        assert!(limits.has_model("anything"));
        limits.models = Some(vec!["llama3.2".into()]);
        assert!(limits.has_model("llama3.2"));
        assert!(!limits.has_model("llama3"));
    }
}
