//! The way in: one request, at most two tries, one stream.

use std::{fmt, sync::Arc, time::Duration};

use futures::{StreamExt, future::join_all};
use tokio::time::{Instant, timeout};

use crate::{
    chat::{ChatEvent, ChatRequest, Chosen},
    client,
    config::{ModelSpec, RouterConfig},
    error::{ModelError, RouterError},
    health::{self, InstanceHealth},
    policy::{self, Choice, Place},
    providers::{EventStream, Providers, Target},
    registry::{Permit, Registry},
    stream::ChatStream,
};

/// Asks models. Cheap to clone: all clones share connections and what is known of instances.
#[derive(Clone)]
pub struct ModelRouter {
    shared: Arc<Shared>,
}

struct Shared {
    registry: Registry,
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
        let registry = Registry::new(config.models)?;
        let client = client::build(config.connect_timeout, registry.has_https())?;
        Ok(Self {
            shared: Arc::new(Shared {
                registry,
                providers: Providers::new(client),
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
        let Shared {
            registry, enabled, ..
        } = &*self.shared;
        let wanted = registry.wanted(&request.preferences);
        let choose = |failed| policy::choose(registry, &wanted, failed, Instant::now());
        let first = if *enabled { choose(None) } else { None };
        let Some(first) = first else {
            return Err(ModelError::NoModel {
                wanted: request.preferences,
                disabled: !enabled,
            });
        };
        let place = first.place;
        let error = match self.attempt(first, &request).await {
            Err(error) if error.is_retryable() => error,
            settled => return settled,
        };
        let Some(second) = choose(Some((place, &error))) else {
            return Err(error);
        };
        self.attempt(second, &request).await.map_err(|_| error)
    }

    /// Asks every instance of every model how it is, all at once, within about 2 s. What it
    /// finds counts in the choice for half a minute. It asks even where models are switched off,
    /// so that an operator can look before switching them on.
    pub async fn health(&self) -> Vec<InstanceHealth> {
        let Shared {
            registry,
            providers,
            ..
        } = &*self.shared;
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
    pub fn models(&self) -> &[ModelSpec] {
        self.shared.registry.models()
    }

    /// One try: from the request to the first piece of the answer.
    async fn attempt(
        &self,
        choice: Choice,
        request: &ChatRequest,
    ) -> Result<ChatStream, ModelError> {
        let Shared {
            registry,
            first_token_timeout,
            idle_timeout,
            ..
        } = &*self.shared;
        let Place { model, slot } = choice.place;
        let (model, slot) = (&registry.models()[model], &registry.slots(model)[slot]);
        let permit = Permit::new(slot);
        let target = Target {
            model,
            base: &slot.base,
            shown: &slot.shown,
        };
        let begun = timeout(*first_token_timeout, self.begin(target, request)).await;
        match begun.unwrap_or(Err(ModelError::FirstTokenTimeout)) {
            Ok((first, events)) => {
                let chosen = Chosen {
                    model_id: model.id.clone(),
                    engine_model: model.engine_name.as_str().into(),
                    instance: slot.shown.clone(),
                    reason: choice.reason,
                };
                Ok(ChatStream::new(
                    chosen,
                    first,
                    events,
                    permit,
                    *idle_timeout,
                ))
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

    async fn begin(
        &self,
        target: Target<'_>,
        request: &ChatRequest,
    ) -> Result<(ChatEvent, EventStream), ModelError> {
        let provider = self.shared.providers.of(target.model.provider);
        let mut events = provider.chat(target, request).await?;
        let first = events
            .next()
            .await
            .unwrap_or(Err(ModelError::Interrupted))?;
        Ok((first, events))
    }
}

impl fmt::Debug for ModelRouter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelRouter")
            .field("models", &self.models())
            .finish_non_exhaustive()
    }
}
