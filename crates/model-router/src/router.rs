//! The way in: one request, at most two tries, one stream.

use std::{fmt, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use futures::{StreamExt, future::join_all};
use tokio::time::{Instant, timeout};

use crate::{
    answer::{ChatEvent, Chosen},
    chat::{ChatRequest, Policy},
    client::Clients,
    config::RouterConfig,
    embed::{EmbedRequest, Embeddings, Vectors},
    error::{ModelError, RouterError},
    health::{self, InstanceHealth},
    policy::{self, Choice, Place},
    providers::{EventStream, Providers, Target},
    registry::{Permit, Registry},
    spec::{ModelKind, ModelSpec},
    stream::ChatStream,
};

/// Asks models. Cheap to clone: all clones share connections and what is known of instances.
#[derive(Clone)]
pub struct ModelRouter {
    shared: Arc<Shared>,
}

struct Shared {
    registry: ArcSwap<Registry>,
    clients: Arc<Clients>,
    providers: Providers,
    first_token_timeout: Duration,
    idle_timeout: Duration,
    enabled: bool,
}

impl ModelRouter {
    /// A router over `config`'s models. Nothing is contacted yet.
    ///
    /// # Errors
    /// If a model is named twice, has no instance or an unusable address, or if TLS can't be set
    /// up.
    pub fn new(config: RouterConfig) -> Result<Self, RouterError> {
        let registry = Registry::new(config.models, None)?;
        let clients = Arc::new(Clients::new(config.connect_timeout)?);
        if registry.has_https() {
            clients.prepare_tls()?;
        }
        Ok(Self {
            shared: Arc::new(Shared {
                registry: ArcSwap::from_pointee(registry),
                providers: Providers::new(Arc::clone(&clients)),
                clients,
                first_token_timeout: config.first_token_timeout,
                idle_timeout: config.idle_timeout,
                enabled: config.enabled,
            }),
        })
    }

    /// Picks a model and an instance by the preferences in order, asks, and returns when the
    /// first piece of the answer is there. That can take as long as a model takes to load; who
    /// does not want to wait any more drops the future, which ends the request.
    ///
    /// If the first try fails in a way that another instance may not, there is one second try: at
    /// another instance of the model or at the next preferred one. Each try has its own deadline.
    ///
    /// # Errors
    /// What went wrong at the first try if both fail, since that is about the model that was
    /// wanted most.
    pub async fn chat(&self, request: ChatRequest) -> Result<ChatStream, ModelError> {
        let (got, chosen, permit) = self
            .tried(&request.preferences, &request.policy, Ask::Chat(&request))
            .await?;
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
        let wanted = std::slice::from_ref(&request.model);
        let (got, chosen, permit) = self
            .tried(wanted, &request.policy, Ask::Embed(&request))
            .await?;
        match got {
            Got::Vectors(Vectors {
                vectors,
                prompt_tokens,
            }) => {
                permit.succeeded(Instant::now());
                Ok(Embeddings {
                    vectors,
                    prompt_tokens,
                    chosen,
                })
            }
            Got::Begun(..) => Err(ModelError::Malformed),
        }
    }

    /// Puts other models in place of those there are. Instances that stay keep what is known of
    /// them, and answers that are under way go on.
    ///
    /// # Errors
    /// As [`Self::new`]; then nothing has changed.
    pub fn replace(&self, models: Vec<ModelSpec>) -> Result<(), RouterError> {
        let before = self.shared.registry.load();
        let registry = Registry::new(models, Some(&before))?;
        if registry.has_https() {
            self.shared.clients.prepare_tls()?;
        }
        self.shared.registry.store(Arc::new(registry));
        Ok(())
    }

    /// Asks every instance of every model how it is, all at once, within about 2 s. What it
    /// finds counts in the choice for half a minute. It asks even where models are switched off,
    /// so that an operator can look before switching them on.
    pub async fn health(&self) -> Vec<InstanceHealth> {
        let registry = self.shared.registry.load_full();
        let providers = &self.shared.providers;
        let registry = &*registry;
        let checks = registry
            .models()
            .iter()
            .enumerate()
            .flat_map(|(index, model)| {
                let provider = providers.of(model.provider);
                registry
                    .slots(index)
                    .iter()
                    .map(move |slot| health::check(provider, model, slot))
            });
        join_all(checks).await
    }

    /// The models, in the router's own order.
    pub fn models(&self) -> Arc<[ModelSpec]> {
        Arc::clone(self.shared.registry.load().models())
    }

    /// At most two tries.
    async fn tried(
        &self,
        preferences: &[String],
        policy: &Policy,
        ask: Ask<'_>,
    ) -> Result<(Got, Chosen, Permit), ModelError> {
        let registry = self.shared.registry.load_full();
        let mut wanted = registry.wanted(preferences);
        wanted.retain(|model| {
            let model = &registry.models()[*model];
            policy.allows(&model.id) && !(policy.local_only && model.kind == ModelKind::Cloud)
        });
        let choose = |failed| policy::choose(&registry, &wanted, failed, Instant::now());
        let first = if self.shared.enabled {
            choose(None)
        } else {
            None
        };
        let Some(first) = first else {
            return Err(ModelError::NoModel {
                wanted: preferences.to_vec(),
                disabled: !self.shared.enabled,
            });
        };
        let place = first.place;
        let best = wanted.first().copied();
        let error = match self.attempt(&registry, first, best, 0, ask).await {
            Err(error) if error.is_retryable() => error,
            settled => return settled,
        };
        let Some(second) = choose(Some((place, &error))) else {
            return Err(error);
        };
        self.attempt(&registry, second, best, 1, ask)
            .await
            .map_err(|_| error)
    }

    /// One try: from the request to the first piece of the answer.
    async fn attempt(
        &self,
        registry: &Registry,
        choice: Choice,
        best: Option<usize>,
        retries: u8,
        ask: Ask<'_>,
    ) -> Result<(Got, Chosen, Permit), ModelError> {
        let Place { model, slot } = choice.place;
        let fallback = best != Some(model);
        let (model, slot) = (&registry.models()[model], &registry.slots(model)[slot]);
        let permit = Permit::new(slot);
        let target = Target {
            model,
            base: &slot.base,
            shown: &slot.shown,
        };
        let asked = Instant::now();
        let begun = timeout(self.shared.first_token_timeout, self.begin(target, ask)).await;
        match begun.unwrap_or(Err(ModelError::FirstTokenTimeout)) {
            Ok(got) => {
                let cloud = model.kind == ModelKind::Cloud;
                let chosen = Chosen {
                    model_id: model.id.clone(),
                    engine_model: model.engine_name.as_str().into(),
                    instance: slot.shown.clone(),
                    reason: choice.reason,
                    waited: Duration::ZERO,
                    retries,
                    fallback: fallback || cloud,
                    cloud,
                    price: model.price.clone(),
                    first_token: asked.elapsed(),
                };
                Ok((got, chosen, permit))
            }
            Err(error) => {
                tracing::warn!(
                    model = %model.id,
                    instance = %slot.shown,
                    code = error.code(),
                    "no answer from a model"
                );
                permit.failed(&error, Instant::now());
                Err(error)
            }
        }
    }

    async fn begin(&self, target: Target<'_>, ask: Ask<'_>) -> Result<Got, ModelError> {
        let provider = self.shared.providers.of(target.model.provider);
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

/// What is wanted of an instance.
#[derive(Clone, Copy)]
enum Ask<'a> {
    Chat(&'a ChatRequest),
    Embed(&'a EmbedRequest),
}

/// What an instance gave.
enum Got {
    /// The first piece of an answer, and what follows.
    Begun(ChatEvent, EventStream),
    Vectors(Vectors),
}

impl fmt::Debug for ModelRouter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelRouter")
            .field("models", &self.models())
            .finish_non_exhaustive()
    }
}
