//! Asking: at most two tries at different instances, each with its own deadlines.

use std::sync::Arc;

use futures::StreamExt;
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};

use crate::{
    answer::{ChatEvent, Chosen},
    chat::ChatRequest,
    embed::{EmbedRequest, Vectors},
    error::ModelError,
    plan::{Demand, Needs},
    pool::Permit,
    providers::{EventStream, Target},
    registry::Registry,
    router::Shared,
    spec::ModelKind,
    turn::{self, Bounds, Found, Turn},
};

/// So many instances are found gone before a request gives up.
const MOST_UNREACHED: usize = 16;

/// What is wanted of an instance.
#[derive(Clone, Copy)]
pub(crate) enum Ask<'a> {
    Chat(&'a ChatRequest),
    Embed(&'a EmbedRequest),
}

/// What an instance gave.
pub(crate) enum Got {
    /// The first piece of an answer, and what follows.
    Begun(ChatEvent, EventStream),
    Vectors(Vectors),
}

/// A try that failed.
struct Failed {
    instance: usize,
    model: String,
    /// The model's name for people.
    name: String,
    error: ModelError,
}

impl Ask<'_> {
    fn needs(self) -> Needs {
        match self {
            Self::Chat(request) => Needs::of_chat(request),
            Self::Embed(request) => Needs::of_embed(request),
        }
    }

    fn place(&self) -> Option<&watch::Sender<Option<usize>>> {
        match self {
            Self::Chat(request) => request.queue.as_ref(),
            Self::Embed(_) => None,
        }
    }
}

impl Shared {
    /// At most two tries. Finding nobody at an address is not one: nothing was asked there.
    ///
    /// # Errors
    /// What went wrong first if all fail.
    pub(crate) async fn tried(
        &self,
        mut demand: Demand<'_>,
        ask: Ask<'_>,
    ) -> Result<(Got, Chosen, Permit), ModelError> {
        demand.needs = ask.needs();
        self.budget.earn();
        let mut failed: Vec<Failed> = Vec::new();
        let mut second = false;
        loop {
            let last = match self.attempt(&demand, ask, &failed).await {
                Ok(Ok(got)) => return Ok(got),
                Ok(Err(failure)) => {
                    let unreached = matches!(failure.error, ModelError::Unreachable { .. });
                    let again = if unreached {
                        failed.len() < MOST_UNREACHED
                    } else {
                        failure.error.is_retryable()
                            && !std::mem::replace(&mut second, true)
                            && self.budget.spend(Instant::now())
                    };
                    failed.push(failure);
                    if again {
                        continue;
                    }
                    None
                }
                Err(error) => Some(error),
            };
            let first = failed.into_iter().next().map(|failed| failed.error);
            return Err(first.or(last).unwrap_or(ModelError::Interrupted));
        }
    }

    /// One try: a slot, and from the request to the first piece of the answer.
    async fn attempt(
        &self,
        demand: &Demand<'_>,
        ask: Ask<'_>,
        failed: &[Failed],
    ) -> Result<Result<(Got, Chosen, Permit), Failed>, ModelError> {
        let began = Instant::now();
        let bounds = Bounds {
            longest: self.queue_length,
            deadline: began + self.queue_timeout,
            place: ask.place(),
        };
        let not: Vec<_> = failed.iter().map(|failed| failed.instance).collect();
        let (registry, turn) = loop {
            let registry = self.registry.load_full();
            match turn::find(&registry, demand, &not, bounds).await? {
                Found::Turn(turn) => break (registry, turn),
                Found::Look => {}
            }
        };
        let reason = reason(&registry, demand, &turn, failed.first());
        let Turn {
            model, mut permit, ..
        } = turn;
        let model = &registry.model(model).spec;
        let instance = permit.instance();
        let asked = Instant::now();
        let warm = instance.is_warm(asked);
        let loading = ask.place().filter(|_| instance.is_cold(asked));
        if let Some(place) = loading {
            place.send_replace(Some(0));
        }
        let target = instance.target(model);
        let patience = if warm {
            self.first_token_timeout
        } else {
            self.first_token_timeout + self.load_timeout
        };
        let begun = timeout(patience, self.begin(target, ask)).await;
        if let Some(place) = loading {
            place.send_replace(None);
        }
        let (id, shown) = (instance.id, instance.shown.clone());
        match begun.unwrap_or(Err(ModelError::FirstTokenTimeout)) {
            Ok(got) => {
                let first_token = asked.elapsed();
                permit.begun(first_token, warm);
                let cloud = model.kind == ModelKind::Cloud;
                let chosen = Chosen {
                    model_id: model.id.clone(),
                    engine_model: model.engine_name.as_str().into(),
                    instance: shown,
                    reason,
                    waited: asked - began,
                    retries: u8::try_from(failed.len()).unwrap_or(u8::MAX),
                    fallback: cloud || !is_first(&registry, demand, &model.id),
                    cloud,
                    price: model.price.clone(),
                    first_token,
                };
                Ok(Ok((got, chosen, permit)))
            }
            Err(error) => {
                tracing::warn!(
                    model = %model.id,
                    instance = %shown,
                    code = error.code(),
                    "no answer from a model"
                );
                permit.failed(&error);
                Ok(Err(Failed {
                    instance: id,
                    model: model.id.clone(),
                    name: model.display_name.clone(),
                    error,
                }))
            }
        }
    }

    async fn begin(&self, target: Target<'_>, ask: Ask<'_>) -> Result<Got, ModelError> {
        let provider = self.providers.of(target.model.provider);
        match ask {
            Ask::Chat(request) => {
                let mut events = provider.chat(target, request).await?;
                let first = events
                    .next()
                    .await
                    .unwrap_or(Err(ModelError::Interrupted))?;
                Ok(Got::Begun(first, events))
            }
            Ask::Embed(request) => provider.embed(target, request).await.map(Got::Vectors),
        }
    }
}

/// Whether this model is the one that was wanted most, of those that are set up.
fn is_first(registry: &Registry, demand: &Demand<'_>, id: &str) -> bool {
    let mut known = demand.names.iter().filter_map(|name| registry.find(name));
    match known.next() {
        Some(first) => registry.model(first).spec.id == id,
        None => demand
            .rank(registry, 0)
            .first()
            .is_some_and(|first| registry.model(*first).spec.id == id),
    }
}

/// Why this model and instance, in words for people.
fn reason(
    registry: &Arc<Registry>,
    demand: &Demand<'_>,
    turn: &Turn,
    failed: Option<&Failed>,
) -> String {
    let spec = &registry.model(turn.model).spec;
    let name = &spec.display_name;
    if let Some(failed) = failed {
        let error = failed.error.code().replace('_', " ");
        return if failed.model == spec.id {
            format!("another instance of {name}, since the first one failed ({error})")
        } else {
            let before = &failed.name;
            format!("{name} in place of {before}, which failed ({error})")
        };
    }
    if turn.last_resort {
        return format!("no wanted model is known to be well; {name} is tried all the same");
    }
    let wanted = demand.rank(registry, 0);
    let passed: Vec<_> = wanted
        .iter()
        .take_while(|at| **at != turn.model)
        .map(|at| registry.model(*at).spec.display_name.as_str())
        .collect();
    let mut reason = if passed.is_empty() {
        format!("{name} is the first choice")
    } else {
        let passed = passed.join(", ");
        format!("{name} in place of {passed}, not available at the moment")
    };
    let instances = registry.model(turn.model).instances.len();
    if instances > 1 {
        reason.push_str(&format!("; the best of {instances} instances"));
    }
    reason
}
