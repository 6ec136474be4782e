//! Building everything from the settings.

use std::time::Duration;

use onelastai_access::{AccessService, Trust};
use onelastai_agents::AgentService;
use onelastai_app::{place::Places, state::Services};
use onelastai_chat::{ChatService, ChatSettings, RedisMirror};
use onelastai_db::{PgPool, connect_lazy};
use onelastai_gateway::GatewayService;
use onelastai_identity::IdentityService;
use onelastai_model_router::ModelRouter;
use onelastai_models::{ModelService, Vault};
use onelastai_usage::{UsageService, UsageSettings};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};

use crate::{
    config::{Config, SecretsKey},
    http, site,
};

/// Why the services could not be built. None of them has to be reachable for it.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The database's address.
    #[error("DATABASE_URL: {0}")]
    Database(#[from] onelastai_db::DbError),
    /// Redis' address.
    #[error("REDIS_URL: {0}")]
    Redis(#[from] redis::RedisError),
    /// The identity service.
    #[error(transparent)]
    Identity(#[from] onelastai_identity::IdentityError),
    /// The models.
    #[error("the models: {0}")]
    Router(#[from] onelastai_model_router::RouterError),
}

/// A connection to Redis that mends itself. It is not opened yet.
///
/// # Errors
/// For a malformed address.
pub fn redis(url: &str) -> Result<(redis::Client, ConnectionManager), redis::RedisError> {
    let client = redis::Client::open(url)?;
    let config = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(Duration::from_secs(2)))
        .set_response_timeout(Some(Duration::from_secs(2)))
        // A request must not wait long for a server that is away.
        .set_number_of_retries(1)
        .set_max_delay(Duration::from_millis(500));
    let manager = ConnectionManager::new_lazy_with_config(client.clone(), config)?;
    Ok((client, manager))
}

/// Keycloak, sessions and accounts.
///
/// # Errors
/// As [`build`].
pub fn identity(config: &Config, pool: PgPool) -> Result<IdentityService, BuildError> {
    let (_, connection) = redis(&config.redis_url)?;
    Ok(IdentityService::new(
        config.keycloak.clone(),
        pool,
        connection,
        config.session_lifetime,
    )?)
}

/// The stored models, for `router`, which has those of the settings. `key` seals the keys of
/// engines.
///
/// # Errors
/// For a malformed address of Redis.
pub fn models(
    redis_url: &str,
    key: Option<&SecretsKey>,
    pool: PgPool,
    router: ModelRouter,
) -> Result<ModelService, BuildError> {
    let (client, connection) = redis(redis_url)?;
    let vault = key.map(|key| Vault::new(key.bytes()));
    Ok(ModelService::new(pool, client, connection, router, vault))
}

/// Everything.
///
/// # Errors
/// Where a setting can't be used; that a server is away is no error here.
pub fn build(config: &Config, chat: ChatSettings) -> Result<Services, BuildError> {
    let pool = connect_lazy(&config.database.pool())?;
    let (client, connection) = redis(&config.redis_url)?;
    let identity = identity(config, pool.clone())?;
    let access = AccessService::new(
        identity.clone(),
        pool.clone(),
        client.clone(),
        connection.clone(),
        Trust::default(),
    );
    let agents = AgentService::new(pool.clone());
    let router = ModelRouter::new(config.models.clone())?;
    let usage = UsageService::new(pool.clone(), connection.clone(), UsageSettings::default());
    let key = config.secrets_key.as_ref();
    let models = models(&config.redis_url, key, pool.clone(), router.clone())?;
    let chat = ChatService::new(
        pool.clone(),
        agents.clone(),
        router.clone(),
        RedisMirror::new(client, connection),
        usage.clone(),
        chat,
    );
    Ok(Services {
        gateway: GatewayService::new(pool.clone(), agents.clone(), router.clone(), usage.clone()),
        reference: http::description,
        leptos_options: site::options(&config.web),
        places: Places::new(config.web.base_url.clone()),
        identity,
        usage,
        access,
        db: pool,
        agents,
        chat,
        models,
        router,
    })
}
