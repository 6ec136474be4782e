//! Every log that this process knows: of the answers made here, and of those made
//! elsewhere that somebody here reads.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use onelastai_types::GenerationId;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::{Log, RedisMirror};

/// An answer that is made here.
struct Local {
    log: Arc<Log>,
    stop: CancellationToken,
}

/// The making of an answer. However it ends (also by a panic), its readers are told.
pub(crate) struct Live {
    hub: Hub,
    generation: GenerationId,
    /// Where its events go.
    pub log: Arc<Log>,
    /// Says that it is to stop.
    pub stop: CancellationToken,
}

impl Drop for Live {
    fn drop(&mut self) {
        self.hub.end(self.generation, &self.log);
    }
}

#[derive(Default)]
struct Logs {
    local: HashMap<GenerationId, Local>,
    /// Kept only as long as somebody reads.
    remote: HashMap<GenerationId, Weak<Log>>,
}

impl Logs {
    /// The log of an answer that is made elsewhere, unless it has lost its way.
    fn remote(&self, generation: GenerationId) -> Option<Arc<Log>> {
        let log = self.remote.get(&generation)?.upgrade()?;
        (!log.is_closed()).then_some(log)
    }
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
    pub(crate) fn begin(&self, generation: GenerationId) -> Live {
        let (log, stop) = (Arc::new(Log::default()), CancellationToken::new());
        let local = Local {
            log: log.clone(),
            stop: stop.clone(),
        };
        self.logs().local.insert(generation, local);
        self.mirror.follow(generation, log.clone());
        Live {
            hub: self.clone(),
            generation,
            log,
            stop,
        }
    }

    /// Whether this process makes the answer, or has made it lately.
    pub(crate) fn is_local(&self, generation: GenerationId) -> bool {
        self.logs().local.contains_key(&generation)
    }

    /// The answer has ended; its log stays for readers that reconnect. One that broke off has
    /// no end there: its readers look elsewhere, where the reaper will tell how it ended.
    fn end(&self, generation: GenerationId, log: &Log) {
        if !log.is_over() {
            self.logs().local.remove(&generation);
            log.close();
            return;
        }
        // Without one the process ends, and with it the log.
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let hub = self.clone();
        runtime.spawn(async move {
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
            if let Some(log) = logs.remote(generation) {
                return Some(log);
            }
            logs.remote.retain(|_, log| log.strong_count() > 0);
        }
        let fetched = self.mirror.tail(generation).await?;
        // Two readers may have come at once: the first one's log serves both.
        let mut logs = self.logs();
        if let Some(log) = logs.remote(generation) {
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

#[cfg(test)]
mod tests {
    use onelastai_db::new_id;
    use onelastai_types::StreamEvent;
    use redis::{
        Client,
        aio::{ConnectionManager, ConnectionManagerConfig},
    };
    use tokio::task::JoinHandle;

    use super::*;

    /// One without Redis: nobody listens there.
    fn hub() -> Hub {
        let client = Client::open("redis://127.0.0.1:1/").unwrap();
        let config = ConnectionManagerConfig::new();
        let connection = ConnectionManager::new_lazy_with_config(client.clone(), config).unwrap();
        let mirror = RedisMirror::new(client, connection);
        Hub::new(mirror, Duration::from_secs(60))
    }

    #[tokio::test]
    async fn readers_of_an_answer_whose_making_panics_are_told() {
        let (hub, generation) = (hub(), new_id());
        let live = hub.begin(generation);
        let log = live.log.clone();
        let reader = tokio::spawn(async move { log.after(0).await });
        let making: JoinHandle<()> = tokio::spawn(async move {
            let _live = live;
            panic!("a fault of ours");
        });
        assert!(making.await.unwrap_err().is_panic());
        assert_eq!(reader.await.unwrap(), None);
        assert!(!hub.is_local(generation), "others may go on with it");
    }

    #[tokio::test]
    async fn an_answer_that_ended_stays_for_readers_that_come_back() {
        let (hub, generation) = (hub(), new_id());
        let live = hub.begin(generation);
        live.log.append(StreamEvent::End);
        drop(live);
        let log = hub.open(generation).await.expect("the log");
        assert_eq!(log.after(0).await, Some(vec![StreamEvent::End]));
        assert!(!log.is_closed());
    }
}
