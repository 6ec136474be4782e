//! The models as they are running: how each instance of each model has fared lately.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;
use url::Url;

use crate::{
    error::{ModelError, RouterError},
    spec::{InstanceSpec, ModelSpec, without_credentials},
};

/// An instance that failed is passed over for 1 s, then 2, 4, … at most this long.
const LONGEST_COOL_DOWN: Duration = Duration::from_secs(30);
/// The longest that a server's own Retry-After is honoured.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(300);
/// What a health check saw counts this long.
const PROBE_COUNTS_FOR: Duration = Duration::from_secs(30);

/// All models with their slots; fixed from the start.
pub(crate) struct Registry {
    models: Arc<[ModelSpec]>,
    /// `slots[m]` are the instances of `models[m]`.
    slots: Vec<Vec<Arc<Slot>>>,
}

impl Registry {
    /// The slots of `before` that are still there keep what is known of them.
    pub(crate) fn new(models: Vec<ModelSpec>, before: Option<&Self>) -> Result<Self, RouterError> {
        let mut slots = Vec::with_capacity(models.len());
        for (index, model) in models.iter().enumerate() {
            if models[..index].iter().any(|earlier| earlier.id == model.id) {
                return Err(RouterError::DuplicateModel(model.id.clone()));
            }
            if model.instances.is_empty() {
                return Err(RouterError::NoInstance(model.id.clone()));
            }
            let known = before.and_then(|before| before.slots_of(&model.id));
            let slot = |instance: &InstanceSpec| {
                let slot = Slot::new(&model.id, &instance.url)?;
                let known = known.into_iter().flatten().find(|it| it.base == slot.base);
                Ok::<_, RouterError>(known.map_or_else(|| Arc::new(slot), Arc::clone))
            };
            slots.push(model.instances.iter().map(slot).collect::<Result<_, _>>()?);
        }
        Ok(Self {
            models: models.into(),
            slots,
        })
    }

    pub(crate) fn models(&self) -> &Arc<[ModelSpec]> {
        &self.models
    }

    fn slots_of(&self, id: &str) -> Option<&[Arc<Slot>]> {
        let model = self.models.iter().position(|model| model.id == id)?;
        Some(self.slots(model))
    }

    pub(crate) fn slots(&self, model: usize) -> &[Arc<Slot>] {
        &self.slots[model]
    }

    /// Whether any instance is reached over TLS.
    pub(crate) fn has_https(&self) -> bool {
        self.slots
            .iter()
            .flatten()
            .any(|slot| slot.base.scheme() == "https")
    }

    /// The wanted models that exist, in the order of preference, each once.
    pub(crate) fn wanted(&self, preferences: &[String]) -> Vec<usize> {
        if preferences.is_empty() {
            return (0..self.models.len()).collect();
        }
        let mut wanted = Vec::with_capacity(preferences.len());
        for id in preferences {
            match self.models.iter().position(|model| model.id == *id) {
                Some(model) if !wanted.contains(&model) => wanted.push(model),
                _ => {}
            }
        }
        wanted
    }
}

/// One instance of one model.
#[derive(Debug)]
pub(crate) struct Slot {
    /// Ends in a slash, so that paths can be joined to it. May hold credentials.
    pub(crate) base: Url,
    /// The same, fit to be shown.
    pub(crate) shown: Url,
    in_flight: AtomicUsize,
    record: Mutex<Record>,
}

#[derive(Debug, Default)]
struct Record {
    failures: u32,
    cooling_until: Option<Instant>,
    answered_at: Option<Instant>,
    probe: Option<(Instant, Probed)>,
}

/// What a health check found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Probed {
    /// It is reachable and has the model.
    pub(crate) usable: bool,
    /// The model is in memory.
    pub(crate) loaded: bool,
}

/// A slot at one moment, for the choice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SlotView {
    /// It neither failed lately nor looked unusable to a health check.
    pub(crate) well: bool,
    /// When it stops cooling down, if it does.
    pub(crate) cooling_until: Option<Instant>,
    pub(crate) in_flight: usize,
    pub(crate) loaded: bool,
    pub(crate) answered_at: Option<Instant>,
    pub(crate) failures: u32,
}

impl Slot {
    fn new(model: &str, url: &Url) -> Result<Self, RouterError> {
        let invalid = |reason| RouterError::InvalidInstance {
            model: model.to_owned(),
            reason,
        };
        if !matches!(url.scheme(), "http" | "https") {
            return Err(invalid("only http and https are spoken"));
        }
        if !url.has_host() {
            return Err(invalid("it names no host"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(invalid("a base address has no query and no fragment"));
        }
        let mut base = url.clone();
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", url.path()));
        }
        Ok(Self {
            shown: without_credentials(&base),
            base,
            in_flight: AtomicUsize::new(0),
            record: Mutex::default(),
        })
    }

    pub(crate) fn view(&self, now: Instant) -> SlotView {
        let record = self.record();
        let probe = record
            .probe
            .filter(|(at, _)| now.duration_since(*at) < PROBE_COUNTS_FOR);
        let cooling_until = record.cooling_until.filter(|until| *until > now);
        SlotView {
            well: cooling_until.is_none() && probe.is_none_or(|(_, probed)| probed.usable),
            cooling_until,
            in_flight: self.in_flight.load(Ordering::Relaxed),
            loaded: probe.is_some_and(|(_, probed)| probed.loaded),
            answered_at: record.answered_at,
            failures: record.failures,
        }
    }

    pub(crate) fn probed(&self, now: Instant, probed: Probed) {
        self.record().probe = Some((now, probed));
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request under way on a slot. Dropping it without a word (a person stopped the answer) is
/// neither a success nor a failure.
#[derive(Debug)]
pub(crate) struct Permit(Arc<Slot>);

impl Permit {
    pub(crate) fn new(slot: &Arc<Slot>) -> Self {
        slot.in_flight.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(slot))
    }

    pub(crate) fn succeeded(self, now: Instant) {
        let mut record = self.0.record();
        *record = Record {
            answered_at: Some(now),
            probe: record.probe.filter(|(_, probed)| probed.usable),
            ..Record::default()
        };
    }

    pub(crate) fn failed(self, error: &ModelError, now: Instant) {
        let mut record = self.0.record();
        let wait = match error {
            ModelError::RateLimited {
                retry_after: Some(wait),
            } => (*wait).min(LONGEST_RETRY_AFTER),
            // The request's fault, not the instance's.
            error if !error.is_retryable() => return,
            _ => {
                let doubled = 1u64 << record.failures.min(10);
                record.failures = record.failures.saturating_add(1);
                Duration::from_secs(doubled).min(LONGEST_COOL_DOWN)
            }
        };
        record.cooling_until = Some(now + wait);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}
