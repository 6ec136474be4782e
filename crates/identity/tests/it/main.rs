//! Signing in and out at a real Keycloak, with sessions in a real Redis and accounts in a
//! database for each test.

// A test says what went wrong by panicking; its helpers are outside of #[test] functions.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    missing_docs
)]

mod back_channel;
mod bearer;
mod browser;
mod ending;
mod events;
mod flood;
mod freshness;
mod handoff;
mod keys;
mod realm;
mod sweep;

use std::time::Duration;

use browser::{Browser, turn};
use onelastai_db::{Origin, PgPool};
use onelastai_identity::{
    BackendClient, Callback, IdentityError, IdentityService, KeycloakSettings, Permission, Secret,
    SignedIn,
};
use redis::{
    Client,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use uuid::Uuid;

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run by ./dev test unit"))
}

fn settings() -> KeycloakSettings {
    KeycloakSettings {
        url: variable("KEYCLOAK_URL").parse().unwrap(),
        realm: variable("KEYCLOAK_REALM"),
        client_id: variable("KEYCLOAK_CLIENT_ID"),
        client_secret: Secret::new(variable("KEYCLOAK_CLIENT_SECRET")),
        backend: Some(BackendClient {
            id: "onelastai-backend".to_owned(),
            secret: Secret::new(variable("KEYCLOAK_BACKEND_CLIENT_SECRET")),
        }),
        base_url: variable("BASE_URL").parse().unwrap(),
    }
}

fn service_with(pool: PgPool, settings: KeycloakSettings, redis: &str) -> IdentityService {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = ConnectionManagerConfig::new()
        .set_number_of_retries(0)
        .set_connection_timeout(Some(Duration::from_secs(1)));
    let client = Client::open(redis).unwrap();
    let connection = ConnectionManager::new_lazy_with_config(client, config).unwrap();
    IdentityService::new(settings, pool, connection, Duration::from_secs(600)).unwrap()
}

fn service(pool: PgPool) -> IdentityService {
    service_with(pool, settings(), &variable("REDIS_URL"))
}

/// The name and password of a demo account.
fn account(role: &str) -> (String, String) {
    let accounts: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(variable("E2E_ACCOUNTS")).unwrap()).unwrap();
    let account = accounts
        .as_array()
        .unwrap()
        .iter()
        .find(|account| account["role"] == role)
        .unwrap_or_else(|| panic!("no account with the role {role}"));
    let text = |field: &str| account[field].as_str().unwrap().to_owned();
    (text("username"), text("password"))
}

fn callback(code: String, state: String, of_browser: Option<String>) -> Callback {
    let origin = Origin {
        address: "127.0.0.1".parse().ok(),
        user_agent: Some("test".into()),
    };
    Callback {
        code,
        state,
        state_of_browser: of_browser,
        replaced: None,
        origin,
    }
}

async fn sign_in(identity: &IdentityService, role: &str) -> SignedIn {
    let (name, password) = account(role);
    let _turn = turn(&name).await;
    let begun = identity.begin_sign_in(Some("/agents")).await.unwrap();
    let (code, state) = Browser::default()
        .sign_in(&begun.url, &name, &password)
        .await
        .unwrap();
    assert_eq!(state, begun.state);
    let callback = callback(code, state.clone(), Some(state));
    identity.finish_sign_in(callback).await.unwrap()
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_person_signs_in_and_out(pool: PgPool) {
    let identity = service(pool.clone());
    let signed_in = sign_in(&identity, "agent-manager").await;
    assert_eq!(signed_in.return_to, "/agents");
    let host = identity.settings().base_url.host_str().unwrap().to_owned();
    let session = identity
        .session(&signed_in.token, &host)
        .await
        .unwrap()
        .expect("a session");
    assert_eq!(session.username, account("agent-manager").0);
    assert!(session.may(Permission::AgentsManage) && session.may(Permission::ChatUse));
    assert!(!session.may(Permission::UsersManage), "{session:?}");
    // The same cookie is nobody's at another host.
    assert!(
        identity
            .session(&signed_in.token, "chef.localhost")
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        identity
            .session(&Secret::random(), &host)
            .await
            .unwrap()
            .is_none()
    );

    let row: (String, Option<String>, String, Option<String>) = sqlx::query_as(
        "SELECT u.username, s.keycloak_session_id, s.host, s.end_reason
         FROM user_sessions s JOIN users u ON u.id = s.user_id WHERE s.id = $1",
    )
    .bind(session.id.0)
    .fetch_one(&pool)
    .await
    .unwrap();
    assert!(row.0 == session.username && row.1.is_some() && row.2 == host && row.3.is_none());

    let url = identity
        .sign_out(&signed_in.token, &Origin::default())
        .await
        .unwrap();
    assert!(url.expect("Keycloak's page").path().ends_with("/logout"));
    assert!(
        identity
            .session(&signed_in.token, &host)
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        identity
            .sign_out(&signed_in.token, &Origin::default())
            .await
            .unwrap()
            .is_none()
    );
    let actions: Vec<String> = sqlx::query_scalar("SELECT action FROM audit_logs ORDER BY id")
        .fetch_all(&pool)
        .await
        .unwrap();
    assert_eq!(
        actions,
        ["user.roles", "session.sign_in", "session.sign_out"]
    );
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_same_person_keeps_one_account(pool: PgPool) {
    let identity = service(pool.clone());
    sign_in(&identity, "user").await;
    sign_in(&identity, "user").await;
    let users: i64 = sqlx::query_scalar("SELECT count(*) FROM users")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(users, 1);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_wrong_password_gets_no_code(pool: PgPool) {
    let identity = service(pool);
    let begun = identity.begin_sign_in(None).await.unwrap();
    let (name, _) = account("auditor");
    let refused = Browser::default()
        .sign_in(&begun.url, &name, "wrong password 1")
        .await;
    assert!(
        refused
            .unwrap_err()
            .contains("Invalid username or password")
    );
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_sign_in_comes_back_once_and_to_its_own_browser(pool: PgPool) {
    let identity = service(pool.clone());
    let (name, password) = account("user");
    let begun = identity.begin_sign_in(None).await.unwrap();
    let (code, state) = Browser::default()
        .sign_in(&begun.url, &name, &password)
        .await
        .unwrap();
    for foreign in [None, Some("another".to_owned())] {
        let refused = identity
            .finish_sign_in(callback(code.clone(), state.clone(), foreign))
            .await;
        assert!(
            matches!(refused, Err(IdentityError::SignInExpired)),
            "{refused:?}"
        );
    }
    let good = callback(code.clone(), state.clone(), Some(state.clone()));
    identity.finish_sign_in(good).await.unwrap();
    let again = identity
        .finish_sign_in(callback(code, state.clone(), Some(state)))
        .await;
    assert!(
        matches!(again, Err(IdentityError::SignInExpired)),
        "{again:?}"
    );
    let unknown = callback("x".into(), "y".into(), Some("y".into()));
    let unknown = identity.finish_sign_in(unknown).await;
    assert!(
        matches!(unknown, Err(IdentityError::SignInExpired)),
        "{unknown:?}"
    );
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_new_sign_in_ends_the_session_it_replaces(pool: PgPool) {
    let identity = service(pool.clone());
    let first = sign_in(&identity, "user").await;
    let (name, password) = account("user");
    let begun = identity.begin_sign_in(None).await.unwrap();
    let (code, state) = Browser::default()
        .sign_in(&begun.url, &name, &password)
        .await
        .unwrap();
    let replacing = Callback {
        replaced: Some(first.token.clone()),
        ..callback(code, state.clone(), Some(state))
    };
    let second = identity.finish_sign_in(replacing).await.unwrap();
    let host = identity.settings().base_url.host_str().unwrap().to_owned();
    assert!(
        identity
            .session(&first.token, &host)
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        identity
            .session(&second.token, &host)
            .await
            .unwrap()
            .is_some()
    );
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_disabled_account_stays_out(pool: PgPool) {
    let identity = service(pool.clone());
    sign_in(&identity, "user").await;
    sqlx::query("UPDATE users SET disabled_at = now()")
        .execute(&pool)
        .await
        .unwrap();
    let (name, password) = account("user");
    let begun = identity.begin_sign_in(None).await.unwrap();
    let (code, state) = Browser::default()
        .sign_in(&begun.url, &name, &password)
        .await
        .unwrap();
    let refused = identity
        .finish_sign_in(callback(code, state.clone(), Some(state)))
        .await;
    assert!(
        matches!(refused, Err(IdentityError::Disabled)),
        "{refused:?}"
    );
    let (actor, target, address): (Option<Uuid>, Option<Uuid>, Option<String>) = sqlx::query_as(
        "SELECT actor_id, target_id, host(address) FROM audit_logs
         WHERE action = 'session.sign_in_refused'",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert!(actor.is_some() && actor == target && address.as_deref() == Some("127.0.0.1"));
    assert_eq!(realm::audited(&pool, "session.sign_in").await, 1);
    let seen: bool = sqlx::query_scalar("SELECT last_sign_in_at < disabled_at FROM users")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert!(seen, "who was refused has not signed in");
}

#[sqlx::test(migrations = "../../migrations")]
async fn without_redis_nobody_is_let_in(pool: PgPool) {
    // A port that was just free: nobody listens there.
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let identity = service_with(pool, settings(), &format!("redis://{free}"));
    let session = identity.session(&Secret::random(), "localhost").await;
    assert!(
        matches!(session, Err(IdentityError::SessionsUnavailable(_))),
        "{session:?}"
    );
    let begun = identity.begin_sign_in(None).await;
    assert!(
        matches!(begun, Err(IdentityError::SessionsUnavailable(_))),
        "{begun:?}"
    );
}

#[sqlx::test(migrations = "../../migrations")]
async fn health_tells_what_is_wrong_in_words(pool: PgPool) {
    let good = service(pool.clone()).health().await;
    assert!(good.is_ok(), "{good:?}");
    let names: Vec<_> = good.checks.iter().map(|check| check.name).collect();
    assert!(
        names.contains(&"service account") && names.contains(&"clock"),
        "{names:?}"
    );

    let told = |change: fn(&mut KeycloakSettings)| {
        let pool = pool.clone();
        async move {
            let mut settings = settings();
            change(&mut settings);
            let health = service_with(pool, settings, &variable("REDIS_URL"))
                .health()
                .await;
            let wrong: Vec<_> = health.checks.iter().filter(|check| !check.ok).collect();
            assert_eq!(wrong.len(), 1, "{health:?}");
            format!("{}: {}", wrong[0].name, wrong[0].detail)
        }
    };
    let secret = told(|it| it.client_secret = Secret::new("wrong")).await;
    assert!(
        secret.starts_with("client: ") && secret.contains("KEYCLOAK_CLIENT_SECRET"),
        "{secret}"
    );
    let backend = told(|it| {
        if let Some(backend) = &mut it.backend {
            backend.secret = Secret::new("wrong");
        }
    })
    .await;
    assert!(
        backend.starts_with("service account: ")
            && backend.contains("KEYCLOAK_BACKEND_CLIENT_SECRET"),
        "{backend}"
    );
    let realm = told(|it| it.realm = "nowhere".into()).await;
    assert!(
        realm.starts_with("realm: ") && realm.contains("realm-export.json"),
        "{realm}"
    );
    let redirect = told(|it| it.base_url = "http://localhost:9".parse().unwrap()).await;
    assert!(redirect.starts_with("redirect address: "), "{redirect}");
    let away = told(|it| it.url = "http://127.0.0.1:9".parse().unwrap()).await;
    assert!(away.starts_with("reachable: "), "{away}");
}
