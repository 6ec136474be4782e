//! Numbers and waits as people read them.

use std::time::Duration;

/// A number with its thousands apart: `1,000,000`.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// How long there is to wait, never less than it is: `in 20 seconds`, `in 3 hours`.
#[must_use]
pub fn in_time(wait: Duration) -> String {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    let (number, unit) = match seconds {
        0..=90 => (seconds.max(1), "second"),
        91..=5_400 => (seconds.div_ceil(60), "minute"),
        5_401..=172_800 => (seconds.div_ceil(3_600), "hour"),
        _ => (seconds.div_ceil(86_400), "day"),
    };
    let plural = if number == 1 { "" } else { "s" };
    format!("in {number} {unit}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_apart() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(count(number), text);
        }
    }

    #[test]
    fn a_wait_is_never_told_too_short() {
        for (ms, text) in [
            (0, "in 1 second"),
            (1_001, "in 2 seconds"),
            (90_001, "in 2 minutes"),
            (5_400_001, "in 2 hours"),
            (86_400_000, "in 24 hours"),
            (172_800_001, "in 3 days"),
        ] {
            assert_eq!(in_time(Duration::from_millis(ms)), text);
        }
    }
}
