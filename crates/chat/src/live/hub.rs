//! Every log that this process knows: of the answers made here, and of those made
//! elsewhere that somebody here reads.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use onelastai_types::GenerationId;
use tokio_util::sync::CancellationToken;

use super::{Log, RedisMirror};

/// An answer that is made here.
struct Local {
    log: Arc<Log>,
    stop: CancellationToken,
}

#[derive(Default)]
struct Logs {
    local: HashMap<GenerationId, Local>,
    /// Kept only as long as somebody reads.
    remote: HashMap<GenerationId, Weak<Log>>,
}

/// Every log that this process knows.
#[derive(Clone)]
pub(crate) struct Hub {
    logs: Arc<Mutex<Logs>>,
    mirror: RedisMirror,
    keep_finished: Duration,
}

impl Hub {
    pub(crate) fn new(mirror: RedisMirror, keep_finished: Duration) -> Self {
        Self {
            logs: Arc::default(),
            mirror,
            keep_finished,
        }
    }

    fn logs(&self) -> MutexGuard<'_, Logs> {
        self.logs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A log for an answer that begins here, and the token that stops it.
    pub(crate) fn begin(&self, generation: GenerationId) -> (Arc<Log>, CancellationToken) {
        let (log, stop) = (Arc::new(Log::default()), CancellationToken::new());
        let local = Local {
            log: log.clone(),
            stop: stop.clone(),
        };
        self.logs().local.insert(generation, local);
        self.mirror.follow(generation, log.clone());
        (log, stop)
    }

    /// Whether this process makes the answer, or has made it lately.
    pub(crate) fn is_local(&self, generation: GenerationId) -> bool {
        self.logs().local.contains_key(&generation)
    }

    /// The answer has ended; its log stays for readers that reconnect.
    pub(crate) fn end(&self, generation: GenerationId) {
        let hub = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(hub.keep_finished).await;
            hub.logs().local.remove(&generation);
        });
    }

    /// Stops an answer that is made here.
    pub(crate) fn stop(&self, generation: GenerationId) {
        if let Some(local) = self.logs().local.get(&generation) {
            local.stop.cancel();
        }
    }

    /// The log of an answer, wherever it is made; `None` where no log is left.
    pub(crate) async fn open(&self, generation: GenerationId) -> Option<Arc<Log>> {
        {
            let mut logs = self.logs();
            if let Some(local) = logs.local.get(&generation) {
                return Some(local.log.clone());
            }
            if let Some(log) = logs.remote.get(&generation).and_then(Weak::upgrade) {
                return Some(log);
            }
            logs.remote.retain(|_, log| log.strong_count() > 0);
        }
        let fetched = self.mirror.tail(generation).await?;
        // Two readers may have come at once: the first one's log serves both.
        let mut logs = self.logs();
        if let Some(log) = logs.remote.get(&generation).and_then(Weak::upgrade) {
            return Some(log);
        }
        logs.remote.insert(generation, Arc::downgrade(&fetched));
        Some(fetched)
    }

    /// For an answer that ended without its maker: its readers are told.
    pub(crate) async fn close_abandoned(
        &self,
        generation: GenerationId,
        last: Vec<onelastai_types::StreamEvent>,
    ) {
        self.mirror.append_last(generation, last).await;
    }
}
