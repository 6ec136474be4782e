//! A minute is a sliding window of two buckets: this minute's count, and as much of the
//! last minute's as still lies within sixty seconds. A fixed minute would let through
//! twice its limit around the turn; a list of all requests would cost memory for each.

use std::time::Duration;

use crate::calendar::millis;

/// In milliseconds.
pub(crate) const MINUTE: i64 = 60_000;

/// The counts of two minutes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Minutes {
    /// The minute of `requests` and `tokens`, counted from 1970.
    pub minute: i64,
    pub requests: u64,
    pub requests_before: u64,
    pub tokens: u64,
    pub tokens_before: u64,
}

impl Minutes {
    /// The same at a later time.
    pub(crate) fn at(self, now_ms: i64) -> Self {
        let minute = now_ms.div_euclid(MINUTE);
        match minute - self.minute {
            ..=0 => self, // A clock that went back doesn't give anything back.
            1 => Self {
                minute,
                requests_before: self.requests,
                tokens_before: self.tokens,
                ..Self::default()
            },
            _ => Self {
                minute,
                ..Self::default()
            },
        }
    }

    /// Milliseconds of this minute that are over.
    pub(crate) fn elapsed(&self, now_ms: i64) -> i64 {
        (now_ms - self.minute * MINUTE).clamp(0, MINUTE)
    }
}

/// One sliding window: now, before, and how far into the minute it is.
#[derive(Clone, Copy)]
pub(crate) struct Window {
    pub now: u64,
    pub before: u64,
    pub into: i64,
}

impl Window {
    pub(crate) fn used(self) -> u64 {
        let left = u64::try_from(MINUTE - self.into).unwrap_or(0);
        self.now + (self.before * left).div_ceil(MINUTE as u64)
    }

    pub(crate) fn reset(self) -> Duration {
        match (self.now, self.before) {
            (0, 0) => Duration::ZERO,
            (0, _) => millis(MINUTE - self.into),
            _ => millis(2 * MINUTE - self.into),
        }
    }

    /// Until `ask` more fit under `most`.
    pub(crate) fn wait(self, ask: u64, most: u64) -> Duration {
        /// How far into a minute it must be until only `room` of `before` count.
        fn point(before: u64, room: u64) -> i64 {
            if room >= before {
                return 0;
            }
            let over = (before - room) * MINUTE as u64;
            i64::try_from(over.div_ceil(before)).unwrap_or(MINUTE)
        }
        let room = most.saturating_sub(ask);
        if self.now <= room {
            millis(point(self.before, room - self.now) - self.into)
        } else {
            millis(MINUTE - self.into + point(self.now, room))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_goes_back_gives_nothing_back() {
        let it = Minutes {
            minute: 10,
            requests: 5,
            requests_before: 2,
            ..Minutes::default()
        };
        assert_eq!(it.at(500_000), it);
        assert_eq!(it.at(660_000).requests_before, 5);
        assert_eq!(it.at(720_000).requests_before, 0);
    }
}
