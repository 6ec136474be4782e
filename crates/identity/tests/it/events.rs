//! What Keycloak knows of accounts and their events.

use onelastai_db::{Actor, Origin, PgPool, audit, new_id};
use onelastai_identity::{BackendClient, IdentityError, KeycloakSettings, Secret};
use onelastai_types::Tier;
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use crate::{
    browser::Browser,
    realm::{CLIENT, Realm, http, post_form, realm, session},
    service, service_with, sign_in, variable,
};

const BACKEND: &str = "onelastai-backend";

/// A realm's settings with the client that may ask it about people.
async fn with_backend(realm: &Realm) -> KeycloakSettings {
    let id = realm.client(BACKEND).await;
    let secret = realm.get(&format!("/clients/{id}/client-secret")).await["value"].clone();
    KeycloakSettings {
        backend: Some(BackendClient {
            id: BACKEND.to_owned(),
            secret: Secret::new(secret.as_str().unwrap()),
        }),
        ..realm.settings()
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_account_has_the_roles_of_our_client_apart(pool: PgPool) {
    let realm = realm().await;
    let identity = service_with(
        pool.clone(),
        with_backend(&realm).await,
        &variable("REDIS_URL"),
    );
    let someone = realm.someone(&[]).await;
    let client = realm.client(CLIENT).await;
    let role = realm.get(&format!("/clients/{client}/roles/auditor")).await;
    let path = format!("/users/{}/role-mappings/clients/{client}", someone.id);
    realm.change(Method::POST, &path, json!([role])).await;
    let signed_in = realm.sign_in(&identity, &someone).await;
    let user = session(&identity, &signed_in).await.unwrap().user;
    let account = identity.keycloak_account(user).await.unwrap().unwrap();
    assert_eq!(account.client_roles, ["auditor", "user"]);
    assert!(!account.roles.iter().any(|role| role == "auditor"));
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_service_account_reads_and_changes_nothing(pool: PgPool) {
    let realm = realm().await;
    let settings = with_backend(&realm).await;
    let issuer = settings.issuer();
    let secret = settings.backend.clone().unwrap().secret;
    let identity = service_with(pool, settings, &variable("REDIS_URL"));
    let health = identity.health().await;
    assert!(health.is_ok(), "{health:?}");

    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", BACKEND),
        ("client_secret", secret.expose()),
    ];
    let tokens = post_form(&format!("{issuer}/protocol/openid-connect/token"), &form).await;
    let token = tokens["access_token"].as_str().unwrap();
    let someone = realm.someone(&[]).await;
    let client = realm.client(CLIENT).await;
    for path in [format!("users/{}", someone.id), format!("clients/{client}")] {
        let url = format!("{}/{path}", issuer.replace("/realms/", "/admin/realms/"));
        let answer = http()
            .put(url)
            .bearer_auth(token)
            .json(&json!({ "enabled": false }))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status().as_u16(), 403, "{path}");
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_failed_sign_in_is_in_the_log_once(pool: PgPool) {
    let replicas = [service(pool.clone()), service(pool.clone())];
    let name = format!("nobody-{}", new_id::<Uuid>());
    let begun = replicas[0].begin_sign_in(None).await.unwrap();
    let page = Browser::default()
        .sign_in(&begun.url, &name, "guessed")
        .await
        .unwrap_err();
    assert!(page.contains("Invalid username or password"), "{page}");

    let (one, two) = tokio::join!(replicas[0].copy_events(), replicas[1].copy_events());
    assert!(one.unwrap() + two.unwrap() > 0);
    assert_eq!(replicas[1].copy_events().await.unwrap(), 0);
    let query = audit::AuditQuery {
        text: Some(name.clone()),
        ..audit::AuditQuery::default()
    };
    let found = audit::list(&pool, &query, None, 10).await.unwrap();
    let [row] = &found.rows[..] else {
        panic!("{found:?}")
    };
    assert_eq!(row.action, "session.sign_in_failed");
    assert_eq!(row.actor, "keycloak");
    assert_eq!(row.changes["username"][1], name.as_str());
    assert_eq!(row.changes["error"][1], "user_not_found");
    assert!(row.address.is_some(), "{row:?}");
    assert!(audit::verify(&pool, None).await.unwrap().is_sound());
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_account_has_the_roles_that_keycloak_gives(pool: PgPool) {
    let identity = service(pool.clone());
    let signed_in = sign_in(&identity, "agent-manager").await;
    let host = identity.settings().base_url.host_str().unwrap().to_owned();
    let session = identity.session(&signed_in.token, &host).await.unwrap();
    let user = session.expect("signed in").user;
    let account = identity.keycloak_account(user).await.unwrap().unwrap();
    assert!(account.enabled);
    assert!(account.roles.iter().any(|role| role == "agent-manager"));
    assert!(account.roles.iter().any(|role| role == "user"));
    assert!(!account.roles.iter().any(|role| role == "admin"));
    assert!(account.client_roles.is_empty(), "{account:?}");

    // Another realm's service has no client for it, and its people are not ours.
    let realm = realm().await;
    let other = realm.service(&pool);
    assert!(!other.sees_events());
    assert_eq!(other.keycloak_account(user).await.unwrap(), None);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_tier_given_by_hand_is_in_the_log(pool: PgPool) {
    let identity = service(pool.clone());
    let signed_in = sign_in(&identity, "user").await;
    let host = identity.settings().base_url.host_str().unwrap().to_owned();
    let session = identity.session(&signed_in.token, &host).await.unwrap();
    let user = session.expect("signed in").user;
    let actor = || Actor::User {
        id: user.0,
        name: "boss".to_owned(),
    };
    assert_eq!(identity.user(user).await.unwrap().tier, Tier::Free);
    for _ in 0..2 {
        identity
            .set_tier(user, Tier::Pro, actor(), &Origin::default())
            .await
            .unwrap();
    }
    assert_eq!(identity.user(user).await.unwrap().tier, Tier::Pro);
    let query = audit::AuditQuery {
        action: Some("user.tier".to_owned()),
        ..audit::AuditQuery::default()
    };
    let found = audit::list(&pool, &query, None, 10).await.unwrap();
    assert_eq!(found.rows.len(), 1, "the second time changed nothing");
    assert_eq!(
        found.rows[0].changes["tier"],
        serde_json::json!(["free", "pro"])
    );
    let nobody = identity
        .set_tier(new_id(), Tier::Pro, actor(), &Origin::default())
        .await;
    assert!(matches!(nobody, Err(IdentityError::NotFound)), "{nobody:?}");
}
