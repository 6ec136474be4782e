//! The instances of one model and those who wait for them.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use tokio::time::Instant;

use crate::{
    error::ModelError,
    health::milliseconds,
    instance::{Instance, View},
    pick,
    queue::{Grant, Queue, Ticket},
};

/// How often an instance is picked anew after somebody else was quicker.
const PICKS: usize = 4;

/// The instances of one model, whatever the operator changes about it, and its queue.
#[derive(Debug)]
pub(crate) struct Pool {
    instances: ArcSwap<Vec<Arc<Instance>>>,
    queue: Mutex<Queue>,
    /// How many are in the queue, to be known without its lock.
    waiting: AtomicUsize,
    /// The moving average of how long a slot is taken, in milliseconds.
    taken_ms: AtomicU64,
}

impl Pool {
    pub(crate) fn new(instances: Vec<Arc<Instance>>) -> Self {
        Self {
            instances: ArcSwap::from_pointee(instances),
            queue: Mutex::default(),
            waiting: AtomicUsize::new(0),
            taken_ms: AtomicU64::new(5_000),
        }
    }

    /// Takes over other instances; whoever waits looks again.
    pub(crate) fn replace(&self, instances: Vec<Arc<Instance>>) {
        self.instances.store(Arc::new(instances));
        self.look_again();
    }

    pub(crate) fn queue_length(&self) -> usize {
        self.waiting.load(Ordering::SeqCst)
    }

    /// Takes a slot, unless others wait for one. `not` are instances that are left out.
    pub(crate) fn enter(self: &Arc<Self>, now: Instant, not: &[usize]) -> Option<Permit> {
        if self.queue_length() > 0 {
            return None;
        }
        self.take(now, not, false)
    }

    /// Takes a slot; `anyway` also where no instance is well.
    pub(crate) fn take(
        self: &Arc<Self>,
        now: Instant,
        not: &[usize],
        anyway: bool,
    ) -> Option<Permit> {
        let instances = self.instances.load();
        for _ in 0..PICKS {
            let picked = pick::well(&instances, now, not).or_else(|| {
                anyway
                    .then(|| pick::soonest(&instances, now, not))
                    .flatten()
            })?;
            if let Some(tries) = picked.enter(now, anyway) {
                return Some(Permit {
                    instance: Arc::clone(picked),
                    pool: Arc::clone(self),
                    tries,
                    taken: now,
                });
            }
        }
        None
    }

    /// Whether an instance is well, if perhaps without a slot.
    pub(crate) fn is_well(&self, now: Instant, not: &[usize]) -> bool {
        self.any(now, not, |view| view.well)
    }

    /// When the first of the instances is asked again; `None` where all are drained or left out.
    pub(crate) fn soonest(&self, now: Instant, not: &[usize]) -> Option<Instant> {
        let instances = self.instances.load();
        let others = instances.iter().filter(|it| !not.contains(&it.id));
        let views = others.map(|it| it.view(now)).filter(|it| !it.draining);
        views.map(|view| view.until.unwrap_or(now)).min()
    }

    fn any(&self, now: Instant, not: &[usize], is: impl Fn(View) -> bool) -> bool {
        let instances = self.instances.load();
        let mut others = instances.iter().filter(|it| !not.contains(&it.id));
        others.any(|it| {
            let view = it.view(now);
            !view.draining && is(view)
        })
    }

    /// Lets a request wait, unless `longest` do already.
    pub(crate) fn wait(&self, ticket: &Arc<Ticket>, leads: bool, longest: usize) -> bool {
        let mut queue = self.queue();
        let room = queue.len() < longest;
        if room {
            queue.push(Arc::clone(ticket), leads);
            self.waiting.store(queue.len(), Ordering::SeqCst);
        }
        room
    }

    /// Takes a request out that waits no more.
    pub(crate) fn leave(&self, ticket: &Arc<Ticket>) {
        let mut queue = self.queue();
        queue.remove(ticket);
        self.waiting.store(queue.len(), Ordering::SeqCst);
    }

    /// Gives free slots to those who wait.
    pub(crate) fn pump(self: &Arc<Self>) {
        while self.queue_length() > 0 {
            let now = Instant::now();
            let granted = {
                let mut queue = self.queue();
                let granted = queue.pop(|ticket| self.take(now, &ticket.not, ticket.anyway));
                self.waiting.store(queue.len(), Ordering::SeqCst);
                granted
            };
            let Some((ticket, permit)) = granted else {
                return;
            };
            // Who went away in this moment leaves the slot to the next.
            drop(ticket.grant(Grant::Slot(permit)));
        }
    }

    /// An instance was checked, which may change who can be asked.
    pub(crate) fn checked(self: &Arc<Self>, now: Instant) {
        self.pump();
        self.look_again_if_ill(now);
    }

    /// Where no instance is well any more, those who wait look elsewhere.
    fn look_again_if_ill(&self, now: Instant) {
        if self.queue_length() > 0 && !self.is_well(now, &[]) {
            self.look_again();
        }
    }

    fn look_again(&self) {
        let tickets = {
            let mut queue = self.queue();
            let tickets = queue.drain_picky();
            self.waiting.store(queue.len(), Ordering::SeqCst);
            tickets
        };
        for ticket in tickets {
            drop(ticket.grant(Grant::Look));
        }
    }

    /// When it may be worth asking again for one who found the queue full.
    pub(crate) fn retry_after(&self) -> Duration {
        let slots: u32 = self.instances.load().iter().map(|it| it.slots()).sum();
        let taken = self.taken_ms.load(Ordering::Relaxed);
        let ahead = u64::try_from(self.queue_length()).unwrap_or(u64::MAX);
        let wait = taken.saturating_mul(ahead + 1) / u64::from(slots.max(1));
        Duration::from_secs((wait / 1000).clamp(1, 60))
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A slot that is taken until the answer has ended. Dropping it without a word (a person stopped
/// the answer) is neither a success nor a failure.
#[derive(Debug)]
pub(crate) struct Permit {
    instance: Arc<Instance>,
    pool: Arc<Pool>,
    /// This is the request that shows whether the instance is well again, and has not yet.
    tries: bool,
    taken: Instant,
}

impl Permit {
    pub(crate) fn instance(&self) -> &Instance {
        &self.instance
    }

    /// Whether it is one of this model's.
    pub(crate) fn is_of(&self, pool: &Arc<Pool>) -> bool {
        Arc::ptr_eq(&self.pool, pool)
    }

    /// The answer has begun, so long after it was asked for; `warm` if no model had to be loaded.
    pub(crate) fn begun(&mut self, took: Duration, warm: bool) {
        self.tries = false;
        self.instance.begun(self.taken, took, warm, Instant::now());
    }

    pub(crate) fn succeeded(mut self) {
        self.tries = false;
        self.instance.succeeded(self.taken, Instant::now());
    }

    pub(crate) fn failed(mut self, error: &ModelError) {
        self.tries = false;
        let now = Instant::now();
        self.instance.failed(error, self.taken, now);
        self.pool.look_again_if_ill(now);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let now = Instant::now();
        if self.tries {
            self.instance.given_up(now);
        }
        self.instance.leave();
        let taken = milliseconds(now.saturating_duration_since(self.taken));
        let average = self.pool.taken_ms.load(Ordering::Relaxed);
        let average = (average.saturating_mul(7).saturating_add(taken)) / 8;
        self.pool.taken_ms.store(average, Ordering::Relaxed);
        self.pool.pump();
    }
}
