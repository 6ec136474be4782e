//! The longest answer there may be. What is reserved for it is what the engine is told, so that
//! an answer never takes more than its reservation.

use onelastai_model_router::{ModelSpec, Price};
use onelastai_usage::{KeyLimits, Limit, TierLimits, UsageError};

/// The longest answer where nobody says how long it may be, in tokens.
const LONGEST: u32 = 8192;
/// An answer that can't be longer than this is hardly worth beginning.
const SHORTEST: u32 = 256;
/// What engines put around a conversation, and the error of the estimate, in tokens.
const MARGIN: u32 = 256;

/// What bounds an answer beside the wish of who asks.
pub(crate) struct Room<'a> {
    limits: &'a TierLimits,
    key: Option<&'a KeyLimits>,
    /// The longest conversation that the model reads, in tokens.
    context: Option<u32>,
    price: Option<&'a Price>,
}

impl<'a> Room<'a> {
    /// The room for an answer of `model`, which is likely to give it.
    pub(crate) fn new(
        limits: &'a TierLimits,
        key: Option<&'a KeyLimits>,
        model: Option<&'a ModelSpec>,
    ) -> Self {
        Self {
            limits,
            key,
            context: model.map(|model| model.context_length),
            price: model.and_then(|model| model.price.as_ref()),
        }
    }

    /// The longest answer to a question of `prompt_tokens`; `None` where nothing counts how long
    /// answers are.
    pub(crate) fn longest(&self, prompt_tokens: u32) -> Option<u32> {
        let budget = self.key.and_then(|key| key.monthly_budget_micros);
        let bounds = [
            self.window().map(|most| beside(most, prompt_tokens)),
            budget.map(|most| self.affords(most, prompt_tokens)),
        ];
        let counted = bounds.into_iter().flatten().min()?;
        let read = self.context.map(|context| {
            let left = context.saturating_sub(prompt_tokens.saturating_add(MARGIN));
            left.max(SHORTEST)
        });
        // With nothing left it is refused for what it asks, in words that say so.
        Some(counted.min(read.unwrap_or(LONGEST)).clamp(1, LONGEST))
    }

    /// The longest answer that what is left of a limit allows, after a longer one was refused.
    pub(crate) fn left(&self, refused: &UsageError, prompt_tokens: u32) -> Option<u32> {
        let UsageError::Exceeded { limit, rate, .. } = refused else {
            return None;
        };
        let left = match limit {
            Limit::TokensPerMinute | Limit::TokensPerDay => beside(rate.remaining, prompt_tokens),
            Limit::CostPerMonth => self.affords(rate.remaining, prompt_tokens),
            Limit::RequestsPerMinute | Limit::RequestsPerDay => return None,
        };
        (left >= SHORTEST).then_some(left)
    }

    /// The least that any window holds, or any one request may have.
    fn window(&self) -> Option<u64> {
        let TierLimits {
            tokens_per_minute,
            tokens_per_day,
            max_context_tokens,
            ..
        } = self.limits;
        let of_key = self.key.and_then(|key| key.tokens_per_minute);
        [*tokens_per_minute, *max_context_tokens, of_key]
            .map(|most| most.map(u64::from))
            .into_iter()
            .chain([*tokens_per_day])
            .flatten()
            .min()
    }

    fn affords(&self, micros: u64, prompt_tokens: u32) -> u32 {
        self.price
            .map_or(u32::MAX, |price| price.affords(micros, prompt_tokens))
    }
}

fn beside(most: u64, prompt_tokens: u32) -> u32 {
    let left = most.saturating_sub(u64::from(prompt_tokens));
    u32::try_from(left).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use onelastai_types::Tier;
    use onelastai_usage::{RateLimit, Scope};
    use uuid::Uuid;

    use super::*;

    const FREE: TierLimits = TierLimits {
        tier: Tier::Free,
        requests_per_minute: Some(10),
        tokens_per_minute: None,
        requests_per_day: None,
        tokens_per_day: None,
        max_context_tokens: None,
        max_agents: None,
        models: None,
    };
    const KEY: KeyLimits = KeyLimits {
        id: Uuid::nil(),
        requests_per_minute: None,
        tokens_per_minute: None,
        monthly_budget_micros: None,
    };

    fn model() -> ModelSpec {
        ModelSpec {
            context_length: 4096,
            // A token that is written costs 10 millionths, one that is read 1.
            price: Some(Price {
                currency: "EUR".to_owned(),
                prompt_micros_per_million: 1_000_000,
                completion_micros_per_million: 10_000_000,
            }),
            ..ModelSpec::ollama("m", "m:1b", vec![])
        }
    }

    fn exceeded(limit: Limit, remaining: u64) -> UsageError {
        UsageError::Exceeded {
            limit,
            scope: Scope::Key,
            retry_after: Duration::ZERO,
            rate: RateLimit {
                policy: limit.as_str(),
                limit: 10_000,
                remaining,
                reset_seconds: 1,
                window_seconds: 60,
            },
        }
    }

    #[test]
    fn an_answer_fits_in_what_counts_it() {
        let model = model();
        let longest = |limits: TierLimits, key: KeyLimits, prompt| {
            Room::new(&limits, Some(&key), Some(&model)).longest(prompt)
        };
        // Nothing counts tokens or cost.
        assert_eq!(longest(FREE, KEY, 100), None);
        let window = |most| TierLimits {
            tokens_per_minute: Some(most),
            ..FREE
        };
        assert_eq!(longest(window(1000), KEY, 100), Some(900));
        // The model reads no more than this.
        assert_eq!(longest(window(1_000_000), KEY, 100), Some(4096 - 100 - 256));
        let request = TierLimits {
            max_context_tokens: Some(700),
            ..window(1000)
        };
        assert_eq!(longest(request, KEY, 100), Some(600));
        let budget = |micros| KeyLimits {
            monthly_budget_micros: Some(micros),
            ..KEY
        };
        assert_eq!(longest(FREE, budget(2100), 100), Some(200));
        assert_eq!(longest(window(300), budget(9999), 100), Some(200));
        let huge = ModelSpec {
            context_length: 1_000_000,
            price: None,
            ..model.clone()
        };
        let (limits, key) = (FREE, budget(1));
        assert_eq!(Room::new(&limits, None, Some(&huge)).longest(100), None);
        let room = Room::new(&limits, Some(&key), Some(&huge));
        assert_eq!(room.longest(100), Some(LONGEST));
    }

    #[test]
    fn a_shorter_answer_takes_what_is_left() {
        let (limits, model) = (FREE, model());
        let room = Room::new(&limits, None, Some(&model));
        let left = |limit, remaining| room.left(&exceeded(limit, remaining), 100);
        assert_eq!(left(Limit::TokensPerMinute, 500), Some(400));
        assert_eq!(left(Limit::TokensPerDay, 300), None);
        assert_eq!(left(Limit::CostPerMonth, 5100), Some(500));
        assert_eq!(left(Limit::RequestsPerMinute, 5), None);
    }
}
