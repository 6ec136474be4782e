//! What a key may use, in the words of the limits.

use onelastai_access::ApiCaller;
use onelastai_usage::KeyLimits;

/// The limits of the caller's key, to be counted beside those of the tier; `None` without a
/// key.
#[must_use]
pub fn key_limits(caller: &ApiCaller) -> Option<KeyLimits> {
    caller.key.as_ref().map(|key| KeyLimits {
        id: key.id.0,
        requests_per_minute: key.requests_per_minute,
        tokens_per_minute: key.tokens_per_minute,
        monthly_budget_micros: key.monthly_budget_micros.map(|(most, _)| most),
    })
}
