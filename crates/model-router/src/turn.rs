//! How a request comes to a slot: by the ranks of models, and through their queues.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{oneshot, watch},
    time::{Instant, sleep_until},
};

use crate::{
    error::{Absence, ModelError},
    plan::{Demand, RANKS},
    pool::{Permit, Pool},
    queue::{Grant, Ticket},
    registry::Registry,
};

/// How often who waits looks whether a pause of an instance is over.
const LOOK: Duration = Duration::from_secs(1);

/// A slot for a request.
#[derive(Debug)]
pub(crate) struct Turn {
    /// The model's place in the registry.
    pub(crate) model: usize,
    pub(crate) permit: Permit,
    /// Nobody wanted was well, so this one is tried all the same.
    pub(crate) last_resort: bool,
}

/// What bounds the waiting.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds<'a> {
    /// The most that wait for one model.
    pub(crate) longest: usize,
    pub(crate) deadline: Instant,
    /// Told the place in the queue.
    pub(crate) place: Option<&'a watch::Sender<Option<usize>>>,
}

/// How looking for a slot ended.
pub(crate) enum Found {
    Turn(Turn),
    /// The registry may have changed: it is to be looked at anew.
    Look,
}

/// Finds a slot: at the first model of the first rank that has a free one; if those are busy,
/// when it is this request's turn; of the next rank only if none is well or the wait is too long;
/// and at last at an instance that is not well, which is better than none.
pub(crate) async fn find(
    registry: &Registry,
    demand: &Demand<'_>,
    not: &[usize],
    bounds: Bounds<'_>,
) -> Result<Found, ModelError> {
    let mut busy = None;
    let mut all = Vec::new();
    for rank in 0..RANKS {
        let models = demand.rank(registry, rank);
        let now = Instant::now();
        if let Some(turn) = free(registry, &models, now, not) {
            return Ok(Found::Turn(turn));
        }
        let is_well = |at: &usize| registry.model(*at).pool.is_well(now, not);
        let well: Vec<_> = models.iter().copied().filter(is_well).collect();
        all.extend(models);
        // To wait where others were wanted less, after a wait that was too long, helps nobody.
        if well.is_empty() || busy.is_some() {
            continue;
        }
        match wait(registry, &well, demand, not, false, bounds).await {
            Err(error) => busy = Some(error),
            found => return found,
        }
    }
    match busy {
        Some(error) => Err(error),
        None => last_resort(registry, &all, demand, not, bounds).await,
    }
}

/// A free slot at the first of these models that has one.
fn free(registry: &Registry, models: &[usize], now: Instant, not: &[usize]) -> Option<Turn> {
    models.iter().find_map(|at| {
        let permit = registry.model(*at).pool.enter(now, not)?;
        Some(Turn {
            model: *at,
            permit,
            last_resort: false,
        })
    })
}

/// The last instance is never given up: the one that will be asked again soonest.
async fn last_resort(
    registry: &Registry,
    models: &[usize],
    demand: &Demand<'_>,
    not: &[usize],
    bounds: Bounds<'_>,
) -> Result<Found, ModelError> {
    if models.is_empty() {
        return Err(demand.nobody(registry));
    }
    let now = Instant::now();
    let soonest = |at: &usize| Some((registry.model(*at).pool.soonest(now, not)?, *at));
    let Some((_, at)) = models
        .iter()
        .filter_map(soonest)
        .min_by_key(|(when, _)| *when)
    else {
        return Err(demand.absent(Absence::Drained));
    };
    match registry.model(at).pool.take(now, not, true) {
        Some(permit) => Ok(Found::Turn(Turn {
            model: at,
            permit,
            last_resort: true,
        })),
        None => wait(registry, &[at], demand, not, true, bounds).await,
    }
}

/// Waits in the queues of these models, for whichever has a slot first.
async fn wait(
    registry: &Registry,
    models: &[usize],
    demand: &Demand<'_>,
    not: &[usize],
    anyway: bool,
    bounds: Bounds<'_>,
) -> Result<Found, ModelError> {
    let place = bounds.place.cloned();
    let (ticket, granted) = Ticket::new(demand.policy.user, not.to_vec(), anyway, place);
    let mut waiting = Waiting {
        pools: Vec::with_capacity(models.len()),
        ticket,
        granted,
    };
    for at in models {
        let pool = &registry.model(*at).pool;
        if pool.wait(&waiting.ticket, waiting.pools.is_empty(), bounds.longest) {
            waiting.pools.push(Arc::clone(pool));
        }
    }
    if waiting.pools.is_empty() {
        let pools = models
            .iter()
            .map(|at| registry.model(*at).pool.retry_after());
        return Err(ModelError::QueueFull {
            retry_after: pools.min().unwrap_or(LOOK),
        });
    }
    let grant = waiting.grant(bounds.deadline).await;
    match grant {
        Some(Grant::Slot(permit)) => {
            let of = |at: &&usize| permit.is_of(&registry.model(**at).pool);
            match models.iter().find(of) {
                Some(at) => Ok(Found::Turn(Turn {
                    model: *at,
                    permit,
                    last_resort: anyway,
                })),
                None => Ok(Found::Look),
            }
        }
        Some(Grant::Look) => Ok(Found::Look),
        None => Err(ModelError::QueueTimeout),
    }
}

/// A request in queues; it leaves them when it is dropped.
struct Waiting {
    pools: Vec<Arc<Pool>>,
    ticket: Arc<Ticket>,
    granted: oneshot::Receiver<Grant>,
}

impl Waiting {
    /// What it is granted, if that is before the deadline.
    async fn grant(&mut self, deadline: Instant) -> Option<Grant> {
        loop {
            // A slot may have become free just before the queue was entered, or a pause be over.
            for pool in &self.pools {
                pool.pump();
            }
            let look = deadline.min(Instant::now() + LOOK);
            tokio::select! {
                biased;
                grant = &mut self.granted => return grant.ok(),
                () = sleep_until(look) => {}
            }
            if Instant::now() >= deadline {
                // What is granted in this very moment counts.
                self.granted.close();
                return self.granted.try_recv().ok();
            }
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        for pool in &self.pools {
            pool.leave(&self.ticket);
        }
        if let Some(place) = &self.ticket.place {
            place.send_if_modified(|told| told.take().is_some());
        }
    }
}
