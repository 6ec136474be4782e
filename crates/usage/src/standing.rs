//! What is left of each limit, for people to see.

use std::sync::Arc;

use onelastai_types::{Tier, UserId};

use crate::{Level, TierLimits, UsageError, UsageService, rate::Counts, sums};

/// How much a person has used of each limit.
#[derive(Debug, Clone)]
pub struct Standing {
    /// What the tier may use.
    pub limits: Arc<TierLimits>,
    /// The limits that there are, with what is used of each; requests under way count with
    /// what is reserved for them. Empty for a tier without limits.
    pub levels: Vec<Level>,
}

impl Standing {
    /// The limit of which the least is left.
    #[must_use]
    pub fn tightest(&self) -> Option<&Level> {
        self.levels
            .iter()
            .min_by(|a, b| a.share_left().total_cmp(&b.share_left()))
    }
}

impl UsageService {
    /// What is left of each limit of this person.
    ///
    /// # Errors
    /// As any query. While Redis is away, the day is as PostgreSQL has it and the minute
    /// counts as unused.
    pub async fn standing(&self, user: UserId, tier: Tier) -> Result<Standing, UsageError> {
        let limits = self.limits_when_read(tier).await;
        let redis = &self.0.redis;
        let mut counts = match redis.ask(redis.counters.read(user)).await {
            Ok(counts) => counts,
            Err(_) => Counts::none(self.0.settings.clock.now_ms()),
        };
        if counts.day.is_none() {
            let sums = sums::read(&self.0.pool, user, None, counts.now_ms, &[]).await?;
            counts.day = Some((sums.requests, sums.tokens));
        }
        let levels = counts.levels(&limits, None);
        Ok(Standing { limits, levels })
    }
}
