//! How soon an instance begins to answer: a moving average.

use std::time::Duration;

use tokio::time::Instant;

/// How much of the average the newest answer makes up.
const WEIGHT: f32 = 0.3;
/// An average that is older says nothing any more.
const COUNTS_FOR: Duration = Duration::from_secs(300);

/// The moving average of the time to the first token.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FirstToken {
    average: Option<(f32, Instant)>,
}

impl FirstToken {
    /// An answer of a loaded model began after `took`. What took long because the model was
    /// loaded first doesn't belong here.
    pub(crate) fn took(&mut self, took: Duration, now: Instant) {
        let took = took.as_secs_f32().max(0.001);
        let average = self
            .seconds(now)
            .map_or(took, |average| average + WEIGHT * (took - average));
        self.average = Some((average, now));
    }

    /// The average in seconds; `None` where nothing is known.
    pub(crate) fn seconds(&self, now: Instant) -> Option<f32> {
        self.average
            .filter(|(_, at)| now.saturating_duration_since(*at) < COUNTS_FOR)
            .map(|(average, _)| average)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_counts_most_and_the_old_not_at_all() {
        let mut average = FirstToken::default();
        let now = Instant::now();
        assert_eq!(average.seconds(now), None);
        average.took(Duration::from_secs(1), now);
        assert_eq!(average.seconds(now), Some(1.0));
        for _ in 0..20 {
            average.took(Duration::from_secs(3), now);
        }
        let seconds = average.seconds(now).unwrap();
        assert!((2.9..=3.0).contains(&seconds), "{seconds}");
        assert_eq!(average.seconds(now + COUNTS_FOR), None);
    }
}
