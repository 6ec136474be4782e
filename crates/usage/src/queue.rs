//! What waits to be written down, and the task that writes it: what came within a moment
//! goes into one statement, and while that is under way the next gathers.

use std::{
    collections::HashSet,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use onelastai_db::{DbError, PgPool};
use tokio::{
    sync::{Notify, mpsc, oneshot},
    time::{Instant, sleep, timeout_at},
};

use crate::{
    counters::Correction,
    redis_side::RedisSide,
    rows::{self, Settlement},
};

/// The most rows of one statement.
const BATCH: usize = 512;
/// So many are written without waiting for more.
const ENOUGH: usize = 16;
/// The longest wait before PostgreSQL is tried again.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// So often a batch that was refused is tried as it is; then in halves, so that what can't be
/// written doesn't keep back the rest.
const TRIES: u32 = 3;

/// Resolves when a settlement is in PostgreSQL. It gets there even where nobody waits.
#[derive(Debug)]
pub struct Settled(Option<oneshot::Receiver<bool>>);

impl Settled {
    /// Of what was settled before.
    pub(crate) fn before() -> Self {
        Self(None)
    }
}

impl Future for Settled {
    /// True where this settlement counted; false where the request was settled before.
    type Output = bool;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<bool> {
        match &mut self.0 {
            None => Poll::Ready(false),
            Some(receiver) => {
                Poll::Ready(ready!(Pin::new(receiver).poll(context)).unwrap_or(false))
            }
        }
    }
}

struct Entry {
    settlement: Settlement,
    done: oneshot::Sender<bool>,
}

/// How many there are that are not in PostgreSQL yet.
#[derive(Default)]
struct Waiting {
    count: AtomicUsize,
    less: Notify,
}

/// The way in.
pub(crate) struct Queue {
    sender: mpsc::UnboundedSender<Entry>,
    waiting: Arc<Waiting>,
    most: usize,
}

impl Queue {
    /// With its writer, which goes on until the queue is dropped and everything is written.
    pub(crate) fn start(
        pool: PgPool,
        redis: Arc<RedisSide>,
        gather: Duration,
        most: usize,
    ) -> Self {
        // Bounded by what is admitted: nothing that was let in may be lost at this point.
        let (sender, receiver) = mpsc::unbounded_channel();
        let waiting = Arc::new(Waiting::default());
        let writer = Writer {
            pool,
            redis,
            waiting: Arc::clone(&waiting),
            gather,
        };
        tokio::spawn(writer.run(receiver));
        Self {
            sender,
            waiting,
            most,
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.waiting.count.load(Ordering::Relaxed) >= self.most
    }

    pub(crate) fn push(&self, settlement: Settlement) -> Settled {
        let (done, receiver) = oneshot::channel();
        self.waiting.count.fetch_add(1, Ordering::Relaxed);
        if let Err(lost) = self.sender.send(Entry { settlement, done }) {
            // Only when the runtime ends: the reaper of another process finds it in Redis.
            let id = lost.0.settlement.id;
            tracing::error!(request = %id, "nobody is left to write usage down");
            self.waiting.count.fetch_sub(1, Ordering::Relaxed);
        }
        Settled(Some(receiver))
    }

    /// Until all is written that was settled before now, or for so long. True where it is.
    pub(crate) async fn drain(&self, patience: Duration) -> bool {
        let end = Instant::now() + patience;
        loop {
            let less = self.waiting.less.notified();
            if self.waiting.count.load(Ordering::SeqCst) == 0 {
                return true;
            }
            if timeout_at(end, less).await.is_err() {
                return false;
            }
        }
    }
}

struct Writer {
    pool: PgPool,
    redis: Arc<RedisSide>,
    waiting: Arc<Waiting>,
    gather: Duration,
}

impl Writer {
    async fn run(self, mut receiver: mpsc::UnboundedReceiver<Entry>) {
        let mut batch = Vec::new();
        while receiver.recv_many(&mut batch, BATCH).await > 0 {
            // Where many came while the last ones were written, waiting for more only delays them.
            let end = Instant::now() + self.gather;
            while batch.len() < ENOUGH {
                let room = BATCH - batch.len();
                match timeout_at(end, receiver.recv_many(&mut batch, room)).await {
                    Ok(1..) => {}
                    Ok(0) | Err(_) => break,
                }
            }
            let size = batch.len();
            self.write(std::mem::take(&mut batch)).await;
            self.waiting.count.fetch_sub(size, Ordering::SeqCst);
            self.waiting.less.notify_waiters();
        }
    }

    /// Comes back when they are durable, however long PostgreSQL is away.
    async fn write(&self, entries: Vec<Entry>) {
        // The same request twice in one batch: the first counts.
        let mut seen = HashSet::with_capacity(entries.len());
        let (first, again): (Vec<_>, Vec<_>) = entries
            .into_iter()
            .partition(|entry| seen.insert(entry.settlement.id));
        // Answered last, for they are not durable before.
        let mut corrections = Vec::with_capacity(first.len());
        let mut answers = Vec::with_capacity(first.len());
        let mut parts = vec![first];
        while let Some(mut part) = parts.pop() {
            let new = match self.write_part(&part).await {
                Some(new) => new,
                None if part.len() > 1 => {
                    let rest = part.split_off(part.len() / 2);
                    parts.push(rest);
                    parts.push(part);
                    continue;
                }
                None => {
                    // Everything that it would have been is in this line.
                    let lost = part.first().map(|entry| &entry.settlement);
                    tracing::error!(?lost, "usage that PostgreSQL won't take");
                    HashSet::new()
                }
            };
            for entry in part {
                let known = new.contains(&entry.settlement.id);
                corrections.push(correction(&entry.settlement, known));
                answers.push((entry.done, known));
            }
        }
        for (done, known) in answers {
            // Nobody needs to wait for it.
            let _ = done.send(known);
        }
        for entry in again {
            let _ = entry.done.send(false);
        }
        let redis = Arc::clone(&self.redis);
        // PostgreSQL must not wait for Redis.
        tokio::spawn(async move { redis.correct(&corrections).await });
    }

    /// The ids that were new, or `None` where PostgreSQL refuses this batch.
    async fn write_part(&self, part: &[Entry]) -> Option<HashSet<uuid::Uuid>> {
        let settlements: Vec<_> = part.iter().map(|entry| &entry.settlement).collect();
        let mut pause = Duration::from_millis(50);
        let (mut away, mut refused) = (false, 0);
        loop {
            match rows::write(&self.pool, &settlements)
                .await
                .map_err(DbError::from)
            {
                Ok(new) => {
                    if away {
                        tracing::info!("usage is written down again");
                    }
                    return Some(new);
                }
                Err(DbError::Unavailable(error)) => {
                    if !away {
                        tracing::error!(%error, waiting = part.len(), "can't write usage down yet");
                        away = true;
                    }
                }
                Err(error) => {
                    refused += 1;
                    tracing::warn!(%error, rows = part.len(), "usage was refused");
                    if refused >= TRIES {
                        return None;
                    }
                }
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

fn correction(settlement: &Settlement, known: bool) -> Correction {
    let outcome = &settlement.outcome;
    Correction {
        id: settlement.id,
        user: settlement.user,
        key: settlement.key,
        known,
        request: true,
        tokens: u64::from(outcome.prompt_tokens) + u64::from(outcome.completion_tokens),
        cost: outcome.cost.map_or(0, |cost| cost.micros),
    }
}
