//! One instance of one model while it runs: what is under way there, and how it has fared.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{sync::broadcast, time::Instant};
use url::Url;

use crate::{
    breaker::{self, Breaker},
    egress::is_metadata_url,
    error::{ModelError, RouterError},
    health::{Probe, milliseconds},
    providers::Target,
    spec::{InstanceSpec, ModelSpec, ProviderKind, without_credentials},
    state::{Health, HealthChange, InstanceState, LastCheck},
    ttft::FirstToken,
};

/// What a check found counts this long.
const CHECK_COUNTS_FOR: Duration = Duration::from_secs(30);
/// Ollama keeps a model in memory for 5 min after an answer (`OLLAMA_KEEP_ALIVE`).
const STAYS_LOADED: Duration = Duration::from_secs(240);

/// One instance of one model.
#[derive(Debug)]
pub(crate) struct Instance {
    /// Unlike any other's in this process.
    pub(crate) id: usize,
    model: String,
    provider: ProviderKind,
    /// Ends in a slash, so that paths can be joined to it. May hold credentials.
    pub(crate) base: Url,
    /// The same, fit to be shown.
    pub(crate) shown: Url,
    slots: AtomicU32,
    weight: AtomicU32,
    /// The tokens that it reads at most; 0 where that isn't said.
    context: AtomicU32,
    in_flight: AtomicU32,
    draining: AtomicBool,
    record: Mutex<Record>,
    changes: broadcast::Sender<HealthChange>,
}

#[derive(Debug, Default)]
struct Record {
    breaker: Breaker,
    /// As it was told last.
    health: Health,
    answered_at: Option<Instant>,
    first_token: FirstToken,
    check: Option<(Instant, Probe)>,
    error: Option<&'static str>,
}

/// An instance at one moment, for the choice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View {
    /// It is asked: it neither failed lately nor looked unusable to a check.
    pub(crate) well: bool,
    /// It has a slot.
    pub(crate) free: bool,
    /// An operator wants no new requests there.
    pub(crate) draining: bool,
    /// The model is known not to be in memory.
    pub(crate) cold: bool,
    /// What is under way there with one more, over its slots and its weight.
    pub(crate) load: f32,
    /// The average time to the first token in seconds.
    pub(crate) first_token: Option<f32>,
    /// When it is asked again, if it is not.
    pub(crate) until: Option<Instant>,
}

impl Record {
    fn check(&self, now: Instant) -> Option<(Instant, &Probe)> {
        let (at, probe) = self.check.as_ref()?;
        (now.saturating_duration_since(*at) < CHECK_COUNTS_FOR).then_some((*at, probe))
    }

    /// Whether a check found it unusable, and it has not answered since.
    fn looks_unusable(&self, now: Instant) -> bool {
        self.check(now).is_some_and(|(at, probe)| {
            !probe.is_usable() && self.answered_at.is_none_or(|answered| answered < at)
        })
    }

    fn health(&self, now: Instant) -> Health {
        match self.breaker.state() {
            breaker::State::Trying => Health::Probing,
            breaker::State::Open { .. } => Health::Ejected,
            breaker::State::Closed if self.looks_unusable(now) => Health::Ejected,
            breaker::State::Closed => Health::Well,
        }
    }

    /// Whether the model is in memory, if that is known.
    fn is_loaded(&self, now: Instant) -> Option<bool> {
        let answered = self
            .answered_at
            .filter(|at| now.saturating_duration_since(*at) < STAYS_LOADED);
        match self.check(now) {
            Some((at, probe)) if answered.is_none_or(|answered| answered < at) => {
                Some(probe.loaded)
            }
            _ => answered.map(|_| true),
        }
    }

    fn until(&self) -> Option<Instant> {
        match self.breaker.state() {
            breaker::State::Open { until } => Some(until),
            _ => None,
        }
    }
}

impl Instance {
    pub(crate) fn new(
        model: &ModelSpec,
        spec: &InstanceSpec,
        changes: broadcast::Sender<HealthChange>,
    ) -> Result<Self, RouterError> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let url = &spec.url;
        let invalid = |reason| RouterError::InvalidInstance {
            model: model.id.clone(),
            reason,
        };
        if !matches!(url.scheme(), "http" | "https") {
            return Err(invalid("only http and https are spoken"));
        }
        if !url.has_host() {
            return Err(invalid("it names no host"));
        }
        if is_metadata_url(url) {
            return Err(invalid("it is a cloud's metadata service"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(invalid("a base address has no query and no fragment"));
        }
        if spec.slots == 0 || spec.weight == 0 {
            return Err(invalid(
                "it needs at least one slot and a weight of at least 1",
            ));
        }
        if spec.context == Some(0) {
            return Err(invalid("a context has at least one token"));
        }
        let mut base = url.clone();
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", url.path()));
        }
        Ok(Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            model: model.id.clone(),
            provider: model.provider,
            shown: without_credentials(&base),
            base,
            slots: AtomicU32::new(spec.slots),
            weight: AtomicU32::new(spec.weight),
            context: AtomicU32::new(spec.context.unwrap_or_default()),
            in_flight: AtomicU32::new(0),
            draining: AtomicBool::new(false),
            record: Mutex::default(),
            changes,
        })
    }

    /// Whether `other` is the same server, spoken to in the same way.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.base == other.base && self.provider == other.provider
    }

    /// Takes over what an operator says anew.
    pub(crate) fn resize(&self, spec: &InstanceSpec) {
        self.slots.store(spec.slots, Ordering::Relaxed);
        self.weight.store(spec.weight, Ordering::Relaxed);
        let context = spec.context.unwrap_or_default();
        self.context.store(context, Ordering::Relaxed);
    }

    /// This instance of `model`, to be asked.
    pub(crate) fn target<'a>(&'a self, model: &'a ModelSpec) -> Target<'a> {
        let context = self.context.load(Ordering::Relaxed);
        Target {
            model,
            base: &self.base,
            shown: &self.shown,
            context: (context > 0).then_some(context),
        }
    }

    pub(crate) fn slots(&self) -> u32 {
        self.slots.load(Ordering::Relaxed)
    }

    pub(crate) fn drain(&self, on: bool) {
        self.draining.store(on, Ordering::Relaxed);
    }

    pub(crate) fn view(&self, now: Instant) -> View {
        let (in_flight, slots) = (self.in_flight.load(Ordering::SeqCst), self.slots());
        let weight = self.weight.load(Ordering::Relaxed);
        let record = self.record();
        View {
            well: record.breaker.admits(now) && !record.looks_unusable(now),
            free: in_flight < slots,
            draining: self.draining.load(Ordering::Relaxed),
            cold: record.is_loaded(now) == Some(false),
            load: (in_flight + 1) as f32 / (slots as f32 * weight as f32),
            first_token: record.first_token.seconds(now),
            until: record.until(),
        }
    }

    /// Whether an answer can begin without the model being loaded first.
    pub(crate) fn is_warm(&self, now: Instant) -> bool {
        self.provider == ProviderKind::OpenAi || self.record().is_loaded(now) == Some(true)
    }

    /// Whether the model is known not to be in memory, so that it is loaded first.
    pub(crate) fn is_cold(&self, now: Instant) -> bool {
        self.provider == ProviderKind::Ollama && self.record().is_loaded(now) == Some(false)
    }

    /// Takes a slot, if there is one and the instance is asked at all, which `anyway` makes it.
    /// Says whether this is the request that tries.
    pub(crate) fn enter(&self, now: Instant, anyway: bool) -> Option<bool> {
        let more = |in_flight| (in_flight < self.slots()).then_some(in_flight + 1);
        self.in_flight
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, more)
            .ok()?;
        let mut record = self.record();
        if !anyway && !record.breaker.admits(now) {
            drop(record);
            self.leave();
            return None;
        }
        let tries = record.breaker.enter(now);
        self.tell(&mut record, now);
        Some(tries)
    }

    /// Gives the slot back.
    pub(crate) fn leave(&self) {
        self.in_flight.fetch_sub(1, Ordering::SeqCst);
    }

    /// The answer to a request that was sent at `asked` has begun, `took` after that.
    pub(crate) fn begun(&self, asked: Instant, took: Duration, warm: bool, now: Instant) {
        let mut record = self.record();
        record.breaker.begun(asked);
        record.answered_at = Some(now);
        if warm {
            record.first_token.took(took, now);
        }
        self.tell(&mut record, now);
    }

    /// The answer to a request that was sent at `asked` is complete.
    pub(crate) fn succeeded(&self, asked: Instant, now: Instant) {
        let mut record = self.record();
        record.breaker.succeeded(asked);
        record.answered_at = Some(now);
        self.tell(&mut record, now);
    }

    /// A request that was sent at `asked` failed. A bad request is not the instance's failure.
    pub(crate) fn failed(&self, error: &ModelError, asked: Instant, now: Instant) {
        let mut record = self.record();
        match error {
            ModelError::RateLimited {
                retry_after: Some(wait),
            } => record.breaker.rest(now, *wait),
            error if !error.is_retryable() => record.breaker.given_up(now),
            _ => record.breaker.failed(asked, now),
        }
        record.error = Some(error.code());
        self.tell(&mut record, now);
    }

    /// The request that tried was given up.
    pub(crate) fn given_up(&self, now: Instant) {
        let mut record = self.record();
        record.breaker.given_up(now);
        self.tell(&mut record, now);
    }

    /// Notes what a check found.
    pub(crate) fn checked(&self, probe: Probe, now: Instant) {
        let mut record = self.record();
        record.check = Some((now, probe));
        self.tell(&mut record, now);
    }

    pub(crate) fn state(
        &self,
        model: &ModelSpec,
        queue_length: usize,
        now: Instant,
    ) -> InstanceState {
        let record = self.record();
        let until = record.until().filter(|until| *until > now);
        InstanceState {
            model_id: model.id.clone(),
            display_name: model.display_name.clone(),
            instance: self.shown.clone(),
            health: record.health(now),
            failures: record.breaker.failures(),
            ejected_for_ms: until.map(|until| milliseconds(until - now)),
            in_flight: self.in_flight.load(Ordering::SeqCst),
            slots: self.slots(),
            weight: self.weight.load(Ordering::Relaxed),
            queue_length,
            first_token_ms: record
                .first_token
                .seconds(now)
                .map(|seconds| milliseconds(Duration::from_secs_f32(seconds))),
            last_error: record.error,
            draining: self.draining.load(Ordering::Relaxed),
            last_check: record.check.as_ref().map(|(at, probe)| LastCheck {
                ago_ms: milliseconds(now.saturating_duration_since(*at)),
                reachable: probe.reachable,
                model_present: probe.model_present,
                loaded: probe.loaded,
                version: probe.version.clone(),
                latency_ms: probe.latency.map(milliseconds),
                error: probe.error.clone(),
            }),
        }
    }

    /// Says so where the health has changed.
    fn tell(&self, record: &mut Record, now: Instant) {
        let to = record.health(now);
        let from = std::mem::replace(&mut record.health, to);
        if from == to {
            return;
        }
        tracing::info!(
            model = %self.model,
            instance = %self.shown,
            from = from.as_str(),
            to = to.as_str(),
            error = record.error,
            failures = record.breaker.failures(),
            "a model's instance"
        );
        // Nobody listens, perhaps.
        let _ = self.changes.send(HealthChange {
            model_id: self.model.clone(),
            instance: self.shown.clone(),
            from,
            to,
            error: record.error,
        });
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Finds the same server among `known`, with what is known of it.
pub(crate) fn or_known(instance: Instance, known: &[Arc<Instance>]) -> Arc<Instance> {
    match known.iter().find(|known| known.is(&instance)) {
        Some(known) => Arc::clone(known),
        None => Arc::new(instance),
    }
}
