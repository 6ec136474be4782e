//! What time it is. All replicas count by Redis' clock, so that theirs need not agree; a
//! test sets it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::SystemTime,
};

/// The clock that windows and leases go by.
#[derive(Debug, Clone, Default)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    /// One that stands at this time, in milliseconds since 1970, until it is set.
    #[must_use]
    pub fn standing_at(ms: i64) -> Self {
        Self(Some(Arc::new(AtomicI64::new(ms))))
    }

    /// Sets one that stands. The real clock can't be set.
    pub fn set(&self, ms: i64) {
        if let Some(clock) = &self.0 {
            clock.store(ms, Ordering::SeqCst);
        }
    }

    /// For the scripts: 0 is Redis' own clock.
    pub(crate) fn given(&self) -> i64 {
        self.0
            .as_ref()
            .map_or(0, |clock| clock.load(Ordering::SeqCst))
    }

    /// In milliseconds since 1970; of this machine, where none is set.
    pub(crate) fn now_ms(&self) -> i64 {
        match self.given() {
            0 => SystemTime::UNIX_EPOCH
                .elapsed()
                .ok()
                .and_then(|time| i64::try_from(time.as_millis()).ok())
                .unwrap_or(0),
            given => given,
        }
    }
}
