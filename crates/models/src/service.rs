//! The models of this server: read, given to the router, and told to the others.

use std::{collections::HashSet, sync::Arc};

use onelastai_db::{Actor, DbResult, Origin, PgPool};
use onelastai_model_router::{ModelRouter, ModelSpec};
use redis::{AsyncCommands, aio::ConnectionManager};
use tokio::sync::Mutex;

use crate::{
    instances::address,
    merge::{Known, merge},
    rows,
    vault::Vault,
};

/// The channel in Redis on which servers tell each other that models have changed.
pub const CHANNEL: &str = "onelastai:models";

/// Whoever changes a model, as the audit log names them.
#[derive(Debug, Clone)]
pub struct Operator {
    /// Who.
    pub actor: Actor,
    /// From where.
    pub origin: Origin,
}

/// The stored models. Clones share everything.
#[derive(Clone)]
pub struct ModelService(Arc<Inner>);

struct Inner {
    pool: PgPool,
    client: redis::Client,
    connection: ConnectionManager,
    router: ModelRouter,
    settings: Vec<ModelSpec>,
    vault: Option<Vault>,
    /// What the router has. Whoever reads the database anew holds it, so that nobody puts older
    /// models in the place of newer ones.
    applied: Mutex<Vec<ModelSpec>>,
}

impl ModelService {
    /// Over `router`, which has the models of the settings so far. Without a vault no keys are
    /// stored. Nothing is contacted yet: [`Self::follow`] does that.
    #[must_use]
    pub fn new(
        pool: PgPool,
        client: redis::Client,
        connection: ConnectionManager,
        router: ModelRouter,
        vault: Option<Vault>,
    ) -> Self {
        let settings = router.models().to_vec();
        Self(Arc::new(Inner {
            pool,
            client,
            connection,
            router,
            applied: Mutex::new(settings.clone()),
            settings,
            vault,
        }))
    }

    /// All models in order, also those that are switched off.
    ///
    /// # Errors
    /// Where the database can't be read.
    pub async fn list(&self) -> DbResult<Vec<Known>> {
        let all = self.merged().await?;
        Ok(all.into_iter().map(|(known, _)| known).collect())
    }

    /// The model of this name.
    ///
    /// # Errors
    /// Where the database can't be read.
    pub async fn find(&self, id: &str) -> DbResult<Option<Known>> {
        let all = self.list().await?;
        Ok(all.into_iter().find(|known| known.draft.id == id))
    }

    /// Whether keys can be stored.
    #[must_use]
    pub fn stores_keys(&self) -> bool {
        self.0.vault.is_some()
    }

    /// Reads the stored models and gives the router what has changed. True if anything had.
    ///
    /// # Errors
    /// Where the database can't be read; the router keeps what it has.
    pub async fn reload(&self) -> DbResult<bool> {
        let mut applied = self.0.applied.lock().await;
        let all = self.merged().await?;
        let drains = sqlx::query!("SELECT model, instance FROM model_drains")
            .fetch_all(&self.0.pool)
            .await?;
        let enabled = all.into_iter().filter(|(known, _)| known.draft.enabled);
        let models: Vec<_> = enabled.map(|(_, spec)| spec).collect();
        let mut changed = false;
        if *applied != models {
            match self.0.router.replace(models.clone()) {
                Ok(()) => {
                    tracing::info!(models = models.len(), "the models have changed");
                    *applied = models;
                    changed = true;
                }
                // The others are worth more than this change.
                Err(error) => tracing::error!(%error, "the stored models can't be used"),
            }
        }
        let drains: HashSet<_> = drains
            .into_iter()
            .map(|it| (it.model, it.instance))
            .collect();
        for state in self.0.router.snapshot() {
            let on = drains.contains(&(state.model_id.clone(), address(&state.instance)));
            if state.draining != on {
                changed |= self.0.router.drain(&state.model_id, &state.instance, on);
            }
        }
        Ok(changed)
    }

    /// After a commit: takes it over here, and tells the others. Whoever does not hear it reads
    /// the database before long.
    pub(crate) async fn tell(&self) {
        match self.reload().await {
            Ok(changed) => self.look(changed),
            Err(error) => tracing::warn!(%error, "can't read the models that were just changed"),
        }
        let told: Result<(), _> = self.0.connection.clone().publish(CHANNEL, "changed").await;
        if let Err(error) = told {
            tracing::warn!(%error, "can't tell the other servers of the changed models");
        }
    }

    /// Where models have `changed`, has the router see how they are: nobody wants to wait for the
    /// next regular look.
    pub(crate) fn look(&self, changed: bool) {
        if changed {
            let router = self.0.router.clone();
            tokio::spawn(async move { drop(router.health().await) });
        }
    }

    async fn merged(&self) -> DbResult<Vec<(Known, ModelSpec)>> {
        let stored = rows::all(&self.0.pool).await?;
        Ok(merge(&self.0.settings, stored, self.0.vault.as_ref()))
    }

    pub(crate) fn pool(&self) -> &PgPool {
        &self.0.pool
    }

    pub(crate) fn client(&self) -> &redis::Client {
        &self.0.client
    }

    pub(crate) fn router(&self) -> &ModelRouter {
        &self.0.router
    }

    pub(crate) fn settings(&self) -> &[ModelSpec] {
        &self.0.settings
    }

    pub(crate) fn vault(&self) -> Option<&Vault> {
        self.0.vault.as_ref()
    }
}
