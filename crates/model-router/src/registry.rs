//! The models as they are at one moment. Another set takes its place as a whole.

use std::{collections::HashMap, sync::Arc};

use tokio::sync::broadcast;

use crate::{
    error::RouterError,
    instance::{self, Instance},
    pool::Pool,
    spec::ModelSpec,
    state::HealthChange,
};

/// All models, in the router's own order.
#[derive(Debug)]
pub(crate) struct Registry {
    models: Vec<Model>,
    /// For those who want to read what was said about them.
    specs: Arc<[ModelSpec]>,
    places: HashMap<String, usize>,
}

/// A model and its instances.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) spec: ModelSpec,
    pub(crate) pool: Arc<Pool>,
    /// As they are in the pool, once the registry is the one in use.
    pub(crate) instances: Vec<Arc<Instance>>,
}

impl Registry {
    /// The instances of `before` that are still there keep what is known of them. Nothing of it
    /// is changed before [`Self::take_over`].
    pub(crate) fn new(
        specs: Arc<[ModelSpec]>,
        before: Option<&Self>,
        changes: &broadcast::Sender<HealthChange>,
    ) -> Result<Self, RouterError> {
        let mut models = Vec::with_capacity(specs.len());
        let mut places = HashMap::with_capacity(specs.len());
        for (place, spec) in specs.iter().enumerate() {
            if places.insert(spec.id.clone(), place).is_some() {
                return Err(RouterError::DuplicateModel(spec.id.clone()));
            }
            if spec.instances.is_empty() {
                return Err(RouterError::NoInstance(spec.id.clone()));
            }
            let instances = spec.instances.iter();
            let instances = instances
                .map(|instance| Instance::new(spec, instance, changes.clone()))
                .collect::<Result<Vec<_>, _>>()?;
            let before = before.and_then(|it| Some(it.model(it.find(&spec.id)?)));
            let known = before.map_or(&[][..], |model| &model.instances);
            let instances: Vec<_> = instances
                .into_iter()
                .map(|it| instance::or_known(it, known))
                .collect();
            models.push(Model {
                spec: spec.clone(),
                pool: before.map_or_else(
                    || Arc::new(Pool::new(instances.clone())),
                    |model| Arc::clone(&model.pool),
                ),
                instances,
            });
        }
        Ok(Self {
            models,
            specs,
            places,
        })
    }

    /// Puts the instances in their pools, and empties those of models that are gone.
    pub(crate) fn take_over(&self, before: &Self) {
        for model in &self.models {
            for (instance, spec) in model.instances.iter().zip(&model.spec.instances) {
                instance.resize(spec);
            }
            model.pool.replace(model.instances.clone());
        }
        for gone in &before.models {
            if self.find(&gone.spec.id).is_none() {
                gone.pool.replace(Vec::new());
            }
        }
    }

    pub(crate) fn specs(&self) -> &Arc<[ModelSpec]> {
        &self.specs
    }

    pub(crate) fn models(&self) -> &[Model] {
        &self.models
    }

    pub(crate) fn model(&self, place: usize) -> &Model {
        &self.models[place]
    }

    pub(crate) fn find(&self, id: &str) -> Option<usize> {
        self.places.get(id).copied()
    }

    /// Whether any instance is reached over TLS.
    pub(crate) fn has_https(&self) -> bool {
        let instances = self.models.iter().flat_map(|model| &model.instances);
        instances.into_iter().any(|it| it.base.scheme() == "https")
    }
}
