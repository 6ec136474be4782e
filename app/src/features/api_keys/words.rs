//! Facts of keys in words.

use onelastai_access::{KeyState, KeySummary, KeyUse};
use onelastai_types::Money;

use crate::ui::count;

/// One word for how it is with a key, and the class of its tag.
pub(super) fn state(state: KeyState) -> (&'static str, &'static str) {
    match state {
        KeyState::Good => ("works", "tag tag-good"),
        KeyState::Overlapping(_) => ("being replaced", "tag"),
        KeyState::Replaced => ("replaced", "tag"),
        KeyState::Expired => ("expired", "tag"),
        KeyState::Revoked => ("revoked", "tag tag-bad"),
    }
}

/// What it was used for.
pub(super) fn used(month: &KeyUse) -> String {
    let tokens = month.prompt_tokens.saturating_add(month.completion_tokens);
    match (month.requests, tokens) {
        (0, 0) => "nothing".to_owned(),
        (1, tokens) => format!("1 request, {} tokens", count(tokens)),
        (requests, tokens) => format!("{} requests, {} tokens", count(requests), count(tokens)),
    }
}

/// What it cost of what it may cost, in a key's month.
pub(super) fn budget(key: &KeySummary) -> Option<String> {
    let budget = key.monthly_budget?;
    let micros_per_minor = 10_u64.pow(6 - budget.currency.digits() as u32);
    // Up: a budget must not look less used than it is.
    let minor = key.this_month.cost_micros.div_ceil(micros_per_minor);
    let spent = Money {
        minor: i64::try_from(minor).unwrap_or(i64::MAX),
        currency: budget.currency,
    };
    Some(format!("{spent} of {budget}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (12_345, "12,345"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(count(number), text);
        }
        let month = KeyUse {
            requests: 1_200,
            prompt_tokens: 1_000,
            completion_tokens: 34,
            cost_micros: 0,
        };
        assert_eq!(used(&month), "1,200 requests, 1,034 tokens");
        assert_eq!(used(&KeyUse::default()), "nothing");
    }
}
