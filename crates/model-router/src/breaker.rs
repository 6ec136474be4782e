//! Whether an instance that failed is asked again: a circuit breaker.

use std::time::Duration;

use tokio::time::Instant;

/// The first pause of an instance that failed; each further failure doubles it.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// The longest that a server's own Retry-After is honoured.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(300);

/// One instance's breaker.
#[derive(Clone, Debug, Default)]
pub(crate) struct Breaker {
    /// Failures one after the other, up to now.
    failures: u32,
    state: State,
    /// When it last opened: what was asked before that says nothing new.
    opened: Option<Instant>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum State {
    /// It is asked.
    #[default]
    Closed,
    /// It is not asked until then; after that one request is let through.
    Open { until: Instant },
    /// That one request is under way.
    Trying,
}

impl Breaker {
    pub(crate) fn state(&self) -> State {
        self.state
    }

    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    /// Whether a request may pass.
    pub(crate) fn admits(&self, now: Instant) -> bool {
        match self.state {
            State::Closed => true,
            State::Open { until } => until <= now,
            State::Trying => false,
        }
    }

    /// Lets a request pass, and says whether it is the one that tries.
    pub(crate) fn enter(&mut self, now: Instant) -> bool {
        let tries = matches!(self.state, State::Open { until } if until <= now);
        if tries {
            self.state = State::Trying;
        }
        tries
    }

    /// The answer to a request that was sent at `asked` has begun, so the instance answers. How
    /// often it failed is forgotten only when one is complete: some break off again and again.
    pub(crate) fn begun(&mut self, asked: Instant) {
        if !self.opened_since(asked) {
            self.state = State::Closed;
        }
    }

    /// The answer to a request that was sent at `asked` is complete.
    pub(crate) fn succeeded(&mut self, asked: Instant) {
        if !self.opened_since(asked) {
            self.state = State::Closed;
            self.failures = 0;
        }
    }

    /// Whether what became of a request that was sent at `asked` is old news.
    fn opened_since(&self, asked: Instant) -> bool {
        self.opened.is_some_and(|opened| asked < opened)
    }

    /// A request that was sent at `asked` failed.
    pub(crate) fn failed(&mut self, asked: Instant, now: Instant) {
        // All that were under way fail together, which is one failure.
        if self.opened_since(asked) && self.state != State::Trying {
            return;
        }
        let pause = FIRST_PAUSE * (1 << self.failures.min(10));
        self.failures = self.failures.saturating_add(1);
        self.open(now, pause.min(LONGEST_PAUSE));
    }

    /// The instance asks to be left alone for so long.
    pub(crate) fn rest(&mut self, now: Instant, wait: Duration) {
        self.open(now, wait.min(LONGEST_RETRY_AFTER));
    }

    /// The request that tried was given up before it had an answer, so the next one tries.
    pub(crate) fn given_up(&mut self, now: Instant) {
        if self.state == State::Trying {
            self.state = State::Open { until: now };
        }
    }

    fn open(&mut self, now: Instant, pause: Duration) {
        self.opened = Some(now);
        self.state = State::Open { until: now + pause };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_pause_that_grows_up_to_its_longest() {
        let mut breaker = Breaker::default();
        let mut now = Instant::now();
        for pause in [1, 2, 4, 8, 16, 30, 30] {
            assert!(breaker.admits(now));
            breaker.enter(now);
            breaker.failed(now, now);
            assert!(!breaker.admits(now + SECOND * pause - Duration::from_millis(1)));
            now += SECOND * pause;
        }
        assert_eq!(breaker.failures(), 7);
        assert!(breaker.enter(now));
        breaker.begun(now);
        assert_eq!((breaker.state(), breaker.failures()), (State::Closed, 7));
        breaker.succeeded(now);
        assert_eq!(breaker.failures(), 0);
    }

    #[test]
    fn an_older_answer_does_not_undo_a_rest() {
        let mut breaker = Breaker::default();
        let asked = Instant::now();
        let now = asked + SECOND;
        breaker.rest(now, SECOND * 9);
        breaker.begun(asked);
        breaker.succeeded(asked);
        assert!(!breaker.admits(now + SECOND * 8));
        assert!(breaker.enter(now + SECOND * 9));
        breaker.succeeded(now + SECOND * 9);
        assert!(breaker.admits(now + SECOND * 9));
    }

    #[test]
    fn one_request_tries_and_the_next_only_if_it_is_given_up() {
        let mut breaker = Breaker::default();
        let now = Instant::now();
        assert!(!breaker.enter(now), "nothing to try while it is well");
        breaker.failed(now, now);
        let later = now + SECOND;
        assert!(breaker.admits(later) && breaker.enter(later));
        assert!(!breaker.admits(later + SECOND * 60));
        breaker.given_up(later);
        assert!(breaker.admits(later) && breaker.enter(later));
        breaker.failed(later, later);
        assert!(!breaker.admits(later + SECOND));
        assert!(breaker.admits(later + SECOND * 2));
    }

    #[test]
    fn what_was_under_way_when_it_failed_is_one_failure() {
        let mut breaker = Breaker::default();
        let asked = Instant::now();
        let now = asked + SECOND;
        for _ in 0..50 {
            breaker.failed(asked, now);
        }
        assert_eq!(breaker.failures(), 1);
        assert!(breaker.admits(now + SECOND));
    }

    #[test]
    fn a_rest_is_as_long_as_it_was_asked_for_and_no_failure() {
        let mut breaker = Breaker::default();
        let now = Instant::now();
        breaker.rest(now, SECOND * 9);
        assert!(!breaker.admits(now + SECOND * 8) && breaker.admits(now + SECOND * 9));
        assert_eq!(breaker.failures(), 0);
        breaker.rest(now, SECOND * 86_400);
        assert!(breaker.admits(now + SECOND * 300));
    }
}
