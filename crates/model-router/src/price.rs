//! What tokens cost at a cloud, without a rounding that adds up.

use serde::{Deserialize, Serialize};

/// A price for each million tokens, in millionths of a unit of the currency: 3 USD are
/// 3,000,000.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Price {
    /// The currency, by its ISO 4217 code.
    pub currency: String,
    /// For a million tokens that are read.
    pub prompt_micros_per_million: u64,
    /// For a million tokens that are written.
    pub completion_micros_per_million: u64,
}

impl Price {
    /// What these tokens cost, in millionths of a unit, rounded up.
    pub fn cost(&self, prompt_tokens: u32, completion_tokens: u32) -> u64 {
        let of = |tokens: u32, price: u64| u128::from(tokens) * u128::from(price);
        let sum = of(prompt_tokens, self.prompt_micros_per_million)
            + of(completion_tokens, self.completion_micros_per_million);
        u64::try_from(sum.div_ceil(1_000_000)).unwrap_or(u64::MAX)
    }

    /// The most tokens that can be written for `micros`, in millionths of a unit, after so many
    /// were read.
    pub fn affords(&self, micros: u64, prompt_tokens: u32) -> u32 {
        let read = u128::from(prompt_tokens) * u128::from(self.prompt_micros_per_million);
        let left = (u128::from(micros) * 1_000_000).saturating_sub(read);
        let tokens = left.checked_div(u128::from(self.completion_micros_per_million));
        let tokens = tokens.map(|tokens| u32::try_from(tokens).unwrap_or(u32::MAX));
        tokens.unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_afforded_costs_no_more_and_one_token_more_does() {
        let price = Price {
            currency: "USD".to_owned(),
            prompt_micros_per_million: 150_000,
            completion_micros_per_million: 600_000,
        };
        for micros in [0, 1, 7, 600, 12_345] {
            let tokens = price.affords(micros, 5);
            assert!(tokens == 0 || price.cost(5, tokens) <= micros, "{micros}");
            assert!(price.cost(5, tokens + 1) > micros, "{micros}");
        }
        let free = Price {
            completion_micros_per_million: 0,
            ..price
        };
        assert_eq!(free.affords(1, 5), u32::MAX);
    }

    #[test]
    fn tokens_cost_their_share_of_a_million_rounded_up_once() {
        let price = Price {
            currency: "USD".to_owned(),
            prompt_micros_per_million: 2_500_000,
            completion_micros_per_million: 10_000_000,
        };
        assert_eq!(price.cost(1_000_000, 1_000_000), 12_500_000);
        assert_eq!(price.cost(1000, 500), 7_500);
        assert_eq!(price.cost(1, 0), 3);
        assert_eq!(price.cost(0, 0), 0);
        let dear = Price {
            prompt_micros_per_million: u64::MAX,
            ..price
        };
        assert_eq!(dear.cost(u32::MAX, 0), u64::MAX);
    }
}
