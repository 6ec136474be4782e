//! The calls that are under way: nobody holds a model by not reading, no connection is silent
//! for long, and a server that stops lets them end.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::{
    sync::CancellationToken,
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};

use super::{
    error::Failure,
    pieces::Pieces,
    watched::{Limits, Watch, Watched},
};

/// How long calls that were told to end may take for it.
const LAST: Duration = Duration::from_secs(2);

/// How long streams may stand still.
#[derive(Debug, Clone)]
pub struct CallSettings {
    /// An answer that nobody has taken a piece of for this long is ended.
    pub slow_reader: Duration,
    /// A stream in which nothing was sent for this long says that it waits.
    pub silence: Duration,
    /// How often all streams are looked at: what the two above are right to.
    pub tick: Duration,
}

impl Default for CallSettings {
    fn default() -> Self {
        Self {
            slow_reader: Duration::from_secs(60),
            silence: Duration::from_secs(10),
            tick: Duration::from_secs(1),
        }
    }
}

impl CallSettings {
    fn limits(&self) -> Limits {
        let tick = self.tick.as_millis().max(1);
        let ticks = |time: Duration| u64::try_from(time.as_millis() / tick).unwrap_or(u64::MAX);
        Limits {
            slow_reader: ticks(self.slow_reader).max(1),
            silence: ticks(self.silence).max(1),
        }
    }
}

/// Every call of the API that is under way. Clones share everything.
///
/// One task looks at all streams once in a while and ends from outside what stands still: a
/// stream whose reader doesn't read isn't polled, and so can't see to it by itself. A task with
/// a queue for each stream could, but would cost every piece a wake-up more.
#[derive(Clone)]
pub struct Calls(Arc<Shared>);

struct Shared {
    settings: CallSettings,
    under_way: TaskTracker,
    /// The process is about to end, and everything has to.
    ended: CancellationToken,
    refusing: AtomicBool,
    ticks: AtomicU64,
    streams: Mutex<HashMap<u64, Weak<dyn Watch>>>,
    numbers: AtomicU64,
}

impl Calls {
    /// Begins to look after calls. Must be called within a Tokio runtime, in which its task
    /// runs until the last clone is dropped.
    #[must_use]
    pub fn new(settings: CallSettings) -> Self {
        let shared = Arc::new(Shared {
            under_way: TaskTracker::new(),
            ended: CancellationToken::new(),
            refusing: AtomicBool::new(false),
            ticks: AtomicU64::new(0),
            streams: Mutex::default(),
            numbers: AtomicU64::new(0),
            settings,
        });
        tokio::spawn(look(Arc::downgrade(&shared)));
        Self(shared)
    }

    /// Refuses new calls and waits until those under way have ended, at most `patience`; then
    /// ends the rest, each with an error that says why.
    pub async fn drain(&self, patience: Duration) {
        self.0.refusing.store(true, Ordering::SeqCst);
        self.0.under_way.close();
        if timeout(patience, self.0.under_way.wait()).await.is_ok() {
            return;
        }
        tracing::warn!(
            running = self.0.under_way.len(),
            "ending the calls of the API that are left"
        );
        self.0.ended.cancel();
        for stream in self.0.all() {
            stream.end(Failure::stopping().into_error());
        }
        if timeout(LAST, self.0.under_way.wait()).await.is_err() {
            tracing::warn!("some calls of the API did not end in time");
        }
    }

    /// Leave to begin a call, unless the server is about to stop. The call is under way as long
    /// as the token is there.
    pub(super) fn enter(&self) -> Result<TaskTrackerToken, Failure> {
        // In this order, or a call could come in behind the back of who waits for all.
        let token = self.token();
        if self.0.refusing.load(Ordering::SeqCst) {
            return Err(Failure::stopping());
        }
        Ok(token)
    }

    /// Part of a call that goes on after its response has begun.
    pub(super) fn token(&self) -> TaskTrackerToken {
        self.0.under_way.token()
    }

    /// Whether nothing is under way.
    #[cfg(test)]
    pub(super) fn is_idle(&self) -> bool {
        self.0.under_way.is_empty()
    }

    /// When everything has to end.
    pub(super) async fn ended(&self) {
        self.0.ended.cancelled().await;
    }

    /// How long a stream may be silent.
    pub(super) fn silence(&self) -> Duration {
        self.0.settings.silence
    }

    /// Looks after a stream.
    pub(super) fn watch<P: Pieces>(&self, pieces: P) -> Watched<P> {
        let number = self.0.numbers.fetch_add(1, Ordering::Relaxed);
        let watched = Watched::new(pieces, self.clone(), number);
        self.0.streams().insert(number, watched.watch());
        if self.0.ended.is_cancelled() {
            // It began while the others were being ended.
            watched.end(Failure::stopping().into_error());
        }
        watched
    }

    /// The stream is gone.
    pub(super) fn forget(&self, number: u64) {
        self.0.streams().remove(&number);
    }

    /// The time, in ticks.
    pub(super) fn now(&self) -> u64 {
        self.0.ticks.load(Ordering::Relaxed)
    }
}

impl Shared {
    fn streams(&self) -> MutexGuard<'_, HashMap<u64, Weak<dyn Watch>>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn all(&self) -> Vec<Arc<dyn Watch>> {
        self.streams().values().filter_map(Weak::upgrade).collect()
    }
}

impl fmt::Debug for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Calls")
            .field("under_way", &self.0.under_way.len())
            .finish_non_exhaustive()
    }
}

async fn look(calls: Weak<Shared>) {
    let Some((tick, limits)) = calls
        .upgrade()
        .map(|calls| (calls.settings.tick, calls.settings.limits()))
    else {
        return;
    };
    let mut ticks = interval(tick);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(calls) = calls.upgrade() else {
            return;
        };
        let now = calls.ticks.fetch_add(1, Ordering::Relaxed) + 1;
        for stream in calls.all() {
            stream.look(now, &limits);
        }
    }
}
