//! People with accounts, and the services.

use std::{net::IpAddr, time::Duration};

use onelastai_access::{AccessError, AccessService, KeyDraft, Owner, Scope, Scopes, Trust};
use onelastai_db::{Origin, PgPool, new_id};
use onelastai_identity::{BackendClient, IdentityService, KeycloakSettings, Permissions, Secret};
use onelastai_types::UserId;
use redis::{
    Client,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use tokio::time::Instant;

use crate::realm::Realm;

/// How long a test waits for something.
const PATIENCE: Duration = Duration::from_secs(30);
/// From where the tests call.
pub const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

pub fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run by ./dev test unit"))
}

fn connection(redis: &str) -> (Client, ConnectionManager) {
    let config = ConnectionManagerConfig::new()
        .set_number_of_retries(0)
        .set_connection_timeout(Some(Duration::from_secs(1)));
    let client = Client::open(redis).unwrap();
    let manager = ConnectionManager::new_lazy_with_config(client.clone(), config).unwrap();
    (client, manager)
}

pub fn service_with(pool: PgPool, settings: KeycloakSettings, redis: &str) -> IdentityService {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (_, connection) = connection(redis);
    IdentityService::new(settings, pool, connection, Duration::from_secs(600)).unwrap()
}

/// One replica.
pub fn replica(
    identity: &IdentityService,
    pool: &PgPool,
    redis: &str,
    trust: Trust,
) -> AccessService {
    let (client, manager) = connection(redis);
    AccessService::new(identity.clone(), pool.clone(), client, manager, trust)
}

/// A realm's settings with the client that may ask it about people, at Keycloak's own address
/// or another.
pub async fn settings(realm: &Realm, at: Option<&str>) -> KeycloakSettings {
    let id = realm.client("onelastai-backend").await;
    let path = format!("/clients/{id}/client-secret");
    let secret = realm.get(&path).await["value"].clone();
    let mut settings = realm.settings();
    settings.backend = Some(BackendClient {
        id: "onelastai-backend".to_owned(),
        secret: Secret::new(secret.as_str().unwrap()),
    });
    if let Some(at) = at {
        settings.url = at.parse().unwrap();
    }
    settings
}

/// The account of a person of a realm.
pub async fn account(pool: &PgPool, issuer: &str, subject: &str, username: &str) -> UserId {
    let id: UserId = new_id();
    sqlx::query(
        "INSERT INTO users (id, keycloak_issuer, keycloak_subject, username, display_name)
         VALUES ($1, $2, $3, $4, $4)",
    )
    .bind(id.0)
    .bind(issuer)
    .bind(subject)
    .bind(username)
    .execute(pool)
    .await
    .unwrap();
    id
}

pub fn permissions(names: &[&str]) -> Permissions {
    serde_json::from_value(names.into()).unwrap()
}

/// Somebody who is signed in and may have keys.
pub fn owner(user: UserId, username: &str) -> Owner {
    Owner {
        user,
        username: username.to_owned(),
        groups: Vec::new(),
        permissions: permissions(&["chat.use", "keys.manage_own"]),
        origin: Origin::default(),
        program: None,
    }
}

/// Somebody with an account that Keycloak is never asked about.
pub async fn local_owner(pool: &PgPool, username: &str) -> Owner {
    owner(account(pool, "issuer", username, username).await, username)
}

/// Keys alone: Keycloak is nowhere.
pub fn keys_only(pool: &PgPool) -> AccessService {
    let redis = variable("REDIS_URL");
    let settings = KeycloakSettings {
        url: "http://127.0.0.1:9".parse().unwrap(),
        realm: "nowhere".to_owned(),
        client_id: "nobody".to_owned(),
        client_secret: Secret::new("none"),
        backend: None,
        base_url: "http://localhost:3000".parse().unwrap(),
    };
    let identity = service_with(pool.clone(), settings, &redis);
    replica(&identity, pool, &redis, Trust::default())
}

/// What can be a key.
pub fn draft(name: &str) -> KeyDraft {
    KeyDraft {
        name: name.to_owned(),
        scopes: Scopes::from_iter([Scope::ChatWrite, Scope::AgentsUse, Scope::ModelsRead]),
        ..KeyDraft::default()
    }
}

/// Waits until it is so, a while at most.
pub async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so().await {
        assert!(Instant::now() < end, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until a replica hears what others change.
pub async fn listening(replica: &AccessService) {
    until("hears changes", async || replica.hears_changes()).await;
}

/// Why a key is refused, if it is.
pub async fn refused(replica: &AccessService, key: &Secret) -> Option<AccessError> {
    replica.authenticate(key.expose(), HERE).await.err()
}

/// Waits until a key is let in: a Keycloak with much to do answers late, which is told as
/// "unavailable" and is nothing to fail for.
pub async fn let_in(replica: &AccessService, key: &Secret) {
    let mut last = None;
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        match refused(replica, key).await {
            None => return,
            Some(error @ AccessError::Unavailable(_)) => last = Some(error),
            Some(other) => panic!("{other:?}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("not let in: {last:?}");
}
