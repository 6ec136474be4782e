//! How many second tries there may be: about a tenth of all requests, so that a fault doesn't
//! double the work of those who are left.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// What a second try takes, in tenths of a request.
const COST: u64 = 10;
/// The most that is saved up: 50 second tries.
const MOST: u64 = 500;
/// Where there is little traffic, one second try in each of these is there all the same.
const REFILL: Duration = Duration::from_millis(500);

/// Tenths of second tries that may be made.
#[derive(Debug)]
pub(crate) struct Budget(Mutex<Purse>);

#[derive(Debug)]
struct Purse {
    tenths: u64,
    filled: Instant,
}

impl Budget {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Purse {
            tenths: MOST / 2,
            filled: Instant::now(),
        }))
    }

    /// A first try was made.
    pub(crate) fn earn(&self) {
        let mut purse = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        purse.tenths = (purse.tenths + 1).min(MOST);
    }

    /// Takes what a second try costs, if it is there.
    pub(crate) fn spend(&self, now: Instant) -> bool {
        let mut purse = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = now.saturating_duration_since(purse.filled).as_millis() / REFILL.as_millis();
        let passed = u64::try_from(passed).unwrap_or(u64::MAX);
        if passed > 0 {
            purse.filled = now;
            purse.tenths = purse
                .tenths
                .saturating_add(passed.saturating_mul(COST))
                .min(MOST);
        }
        let enough = purse.tenths >= COST;
        if enough {
            purse.tenths -= COST;
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_of_the_traffic_after_what_was_saved() {
        let budget = Budget::new();
        let now = Instant::now();
        let spent = |tries: u32| (0..tries).filter(|_| budget.spend(now)).count();
        assert_eq!(spent(1000), 25);
        for _ in 0..100 {
            budget.earn();
        }
        assert_eq!(spent(1000), 10);
        for _ in 0..100_000 {
            budget.earn();
        }
        assert_eq!(spent(1000), 50);
        assert!(
            budget.spend(now + Duration::from_secs(1)),
            "time gives a few"
        );
    }
}
