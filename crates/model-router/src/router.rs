//! The way in.

use std::{fmt, slice, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use futures::future::join_all;
use tokio::{sync::broadcast, time::Instant};
use url::Url;

use crate::{
    budget::Budget,
    chat::{ChatRequest, Policy},
    client::Clients,
    config::RouterConfig,
    embed::{EmbedRequest, Embeddings, Vectors},
    error::{ModelError, RouterError},
    health::{self, InstanceHealth},
    instance::Instance,
    plan::{Demand, Needs},
    providers::Providers,
    registry::{Model, Registry},
    spec::ModelSpec,
    state::{HealthChange, InstanceState},
    stream::ChatStream,
    tries::{Ask, Got},
};

/// So many changes are kept for who is slow to read them.
const CHANGES: usize = 256;

/// Asks models. Cheap to clone: all clones share connections and what is known of instances.
#[derive(Clone)]
pub struct ModelRouter {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) registry: ArcSwap<Registry>,
    clients: Arc<Clients>,
    pub(crate) providers: Providers,
    pub(crate) budget: Budget,
    changes: broadcast::Sender<HealthChange>,
    pub(crate) first_token_timeout: Duration,
    pub(crate) load_timeout: Duration,
    idle_timeout: Duration,
    pub(crate) queue_length: usize,
    pub(crate) queue_timeout: Duration,
    enabled: bool,
}

impl ModelRouter {
    /// A router over `config`'s models. Nothing is contacted yet.
    ///
    /// # Errors
    /// If a model is named twice, has no instance or an unusable address, or if TLS can't be set
    /// up.
    pub fn new(config: RouterConfig) -> Result<Self, RouterError> {
        let changes = broadcast::channel(CHANGES).0;
        let registry = Registry::new(served(config.models), None, &changes)?;
        let clients = Arc::new(Clients::new(config.connect_timeout)?);
        if registry.has_https() {
            clients.prepare_tls()?;
        }
        Ok(Self {
            shared: Arc::new(Shared {
                registry: ArcSwap::from_pointee(registry),
                providers: Providers::new(Arc::clone(&clients)),
                clients,
                budget: Budget::new(),
                changes,
                first_token_timeout: config.first_token_timeout,
                load_timeout: config.load_timeout,
                idle_timeout: config.idle_timeout,
                queue_length: config.queue_length,
                queue_timeout: config.queue_timeout,
                enabled: config.enabled,
            }),
        })
    }

    /// Picks a model and an instance by the preferences in order, waits for a free slot if need
    /// be, asks, and returns when the first piece of the answer is there. That can take as long as
    /// a model takes to load; who does not want to wait any more drops the future, which ends the
    /// request.
    ///
    /// If the first try fails in a way that another instance may not, there is one second try: at
    /// another instance of the model or at the next model. Where nobody listens, that is none, and
    /// the next one is asked. Each try has its own deadlines.
    ///
    /// # Errors
    /// What went wrong first if all fail, since that is about the model that was
    /// wanted most.
    pub async fn chat(&self, request: ChatRequest) -> Result<ChatStream, ModelError> {
        let demand = self.demand(&request.preferences, &request.policy);
        let (got, chosen, permit) = self.shared.tried(demand, Ask::Chat(&request)).await?;
        match got {
            Got::Begun(first, events) => Ok(ChatStream::new(
                chosen,
                first,
                events,
                permit,
                self.shared.idle_timeout,
            )),
            Got::Vectors(_) => Err(ModelError::Malformed),
        }
    }

    /// Turns texts into vectors, in one piece.
    ///
    /// # Errors
    /// As [`Self::chat`]. No other model ever answers in place of the one that is named.
    pub async fn embed(&self, request: EmbedRequest) -> Result<Embeddings, ModelError> {
        let policy = Policy {
            strict: true,
            ..request.policy.clone()
        };
        let demand = self.demand(slice::from_ref(&request.model), &policy);
        let (got, chosen, permit) = self.shared.tried(demand, Ask::Embed(&request)).await?;
        match got {
            Got::Vectors(Vectors {
                vectors,
                prompt_tokens,
            }) => {
                permit.succeeded();
                Ok(Embeddings {
                    vectors,
                    prompt_tokens,
                    chosen,
                })
            }
            Got::Begun(..) => Err(ModelError::Malformed),
        }
    }

    fn demand<'a>(&self, names: &'a [String], policy: &'a Policy) -> Demand<'a> {
        Demand {
            names,
            policy,
            needs: Needs::default(),
            enabled: self.shared.enabled,
        }
    }

    /// Puts other models in place of those there are. Instances that stay keep what is known of
    /// them, answers that are under way go on, and who waits looks for a place anew.
    ///
    /// # Errors
    /// As [`Self::new`]; then nothing has changed.
    pub fn replace(&self, models: Vec<ModelSpec>) -> Result<(), RouterError> {
        // Where two replace at the same time, the second one starts from what the first one left.
        let models = served(models);
        let mut before = self.shared.registry.load_full();
        loop {
            let registry = Registry::new(Arc::clone(&models), Some(&before), &self.shared.changes)?;
            if registry.has_https() {
                self.shared.clients.prepare_tls()?;
            }
            let registry = Arc::new(registry);
            let found = self
                .shared
                .registry
                .compare_and_swap(&before, Arc::clone(&registry));
            if Arc::ptr_eq(&found, &before) {
                registry.take_over(&before);
                return Ok(());
            }
            before = Arc::clone(&found);
        }
    }

    /// Asks every instance of every model how it is, all at once, within about 2 s. What it
    /// finds counts in the choice for half a minute. It asks even where models are switched off,
    /// so that an operator can look before switching them on.
    pub async fn health(&self) -> Vec<InstanceHealth> {
        let registry = self.shared.registry.load_full();
        let checks = each(&registry).map(|(model, instance)| self.ask_how(model, instance));
        join_all(checks).await
    }

    /// Asks one instance how it is, as [`Self::health`] does; `None` if there is none like that.
    /// `instance` is its address, without credentials.
    pub async fn check(&self, model: &str, instance: &Url) -> Option<InstanceHealth> {
        let registry = self.shared.registry.load_full();
        let (model, instance) = named(&registry, model, instance)?;
        Some(self.ask_how(model, instance).await)
    }

    /// Takes an instance out of service, or back in: it finishes what it has begun and gets
    /// nothing new. Says whether there is one like that.
    pub fn drain(&self, model: &str, instance: &Url, on: bool) -> bool {
        let registry = self.shared.registry.load_full();
        let Some((model, instance)) = named(&registry, model, instance) else {
            return false;
        };
        instance.drain(on);
        model.pool.checked(Instant::now());
        true
    }

    /// How all instances are, as this router sees them; nobody is asked.
    pub fn snapshot(&self) -> Vec<InstanceState> {
        let registry = self.shared.registry.load_full();
        let now = Instant::now();
        each(&registry)
            .map(|(model, instance)| instance.state(&model.spec, model.pool.queue_length(), now))
            .collect()
    }

    /// Every change of an instance's health from now on. Who reads slowly misses the oldest.
    pub fn events(&self) -> broadcast::Receiver<HealthChange> {
        self.shared.changes.subscribe()
    }

    /// The models, in the router's own order.
    pub fn models(&self) -> Arc<[ModelSpec]> {
        Arc::clone(self.shared.registry.load().specs())
    }

    async fn ask_how(&self, model: &Model, instance: &Instance) -> InstanceHealth {
        let provider = self.shared.providers.of(model.spec.provider);
        health::check(provider, model, instance).await
    }
}

fn served(models: Vec<ModelSpec>) -> Arc<[ModelSpec]> {
    models.into_iter().map(ModelSpec::served).collect()
}

fn each(registry: &Registry) -> impl Iterator<Item = (&Model, &Instance)> {
    let models = registry.models().iter();
    models.flat_map(|model| model.instances.iter().map(move |it| (model, &**it)))
}

fn named<'a>(
    registry: &'a Registry,
    model: &str,
    instance: &Url,
) -> Option<(&'a Model, &'a Instance)> {
    let model = registry.model(registry.find(model)?);
    let instance = model.instances.iter().find(|it| {
        // The shown address ends in a slash, which people leave out.
        it.shown.as_str().trim_end_matches('/') == instance.as_str().trim_end_matches('/')
    })?;
    Some((model, instance))
}

impl fmt::Debug for ModelRouter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelRouter")
            .field("models", &self.models())
            .finish_non_exhaustive()
    }
}
