//! What the owner of a key may do is what Keycloak says now.

use std::time::Duration;

use onelastai_access::{AccessError, AccessService, KeyDraft, NewKey, Scope, Scopes, Trust};
use onelastai_db::PgPool;
use onelastai_types::UserId;
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use crate::{
    fixture::{
        HERE, account, let_in, owner, permissions, refused, replica, service_with, settings, until,
        variable,
    },
    proxy::Proxy,
    realm::{CLIENT, Realm, Someone, realm},
};

/// So that a test does not take minutes.
const HASTY: Trust = Trust {
    keys: Duration::from_secs(30),
    rights_early: Duration::from_millis(300),
    rights_limit: Duration::from_millis(600),
    rights_last: Duration::from_secs(4),
};

/// Somebody with a key for everything.
struct Keyed {
    access: AccessService,
    user: UserId,
    made: NewKey,
}

impl Keyed {
    async fn new(pool: &PgPool, realm: &Realm, who: &Someone, at: Option<&str>) -> Self {
        let redis = variable("REDIS_URL");
        let settings = settings(realm, at).await;
        let issuer = settings.issuer();
        let identity = service_with(pool.clone(), settings, &redis);
        let access = replica(&identity, pool, &redis, HASTY);
        let user = account(pool, &issuer, &who.id, &who.username).await;
        let mut owner = owner(user, &who.username);
        owner.permissions = permissions(&["chat.use", "keys.manage_own", "operations.read"]);
        let wanted = KeyDraft {
            name: "All".into(),
            scopes: Scopes::all(),
            ..KeyDraft::default()
        };
        let made = access.create(&owner, Uuid::now_v7(), wanted).await.unwrap();
        Self { access, user, made }
    }

    async fn may(&self, scope: Scope) -> bool {
        let caller = self.access.authenticate(self.made.key.expose(), HERE);
        caller.await.is_ok_and(|caller| caller.may(scope))
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_key_has_no_more_than_its_owner_has_now(pool: PgPool) {
    let realm = realm().await;
    let who = realm.someone(&["admin"]).await;
    let keyed = Keyed::new(&pool, &realm, &who, None).await;
    let_in(&keyed.access, &keyed.made.key).await;
    assert!(keyed.may(Scope::AdminRead).await && keyed.may(Scope::ChatWrite).await);
    realm.take(&who.id, "admin").await;
    until("the role is gone", async || {
        !keyed.may(Scope::AdminRead).await
    })
    .await;
    assert!(keyed.may(Scope::ChatWrite).await, "the role `user` is left");
    realm.give(&who.id, "admin").await;
    until("the role is back", async || {
        keyed.may(Scope::AdminRead).await
    })
    .await;
    let path = format!("/users/{}", who.id);
    realm
        .change(Method::PUT, &path, json!({ "enabled": false }))
        .await;
    until("is disabled", async || {
        matches!(
            refused(&keyed.access, &keyed.made.key).await,
            Some(AccessError::Disabled)
        )
    })
    .await;
    realm
        .change(Method::PUT, &path, json!({ "enabled": true }))
        .await;
    until("is enabled", async || keyed.may(Scope::AdminRead).await).await;
    realm.change(Method::DELETE, &path, json!({})).await;
    until("is gone", async || {
        matches!(
            refused(&keyed.access, &keyed.made.key).await,
            Some(AccessError::Disabled)
        )
    })
    .await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_token_has_no_more_than_its_person_has_now(pool: PgPool) {
    let realm = realm().await;
    let who = realm.someone(&["admin"]).await;
    let keyed = Keyed::new(&pool, &realm, &who, None).await;
    let tokens = realm.tokens(CLIENT, &who).await;
    let token = tokens["access_token"].as_str().unwrap();
    let may = async |scope: Scope| {
        let caller = keyed.access.authenticate(token, HERE).await;
        caller.is_ok_and(|caller| caller.may(scope))
    };
    until("is let in", async || may(Scope::AdminRead).await).await;
    realm.take(&who.id, "admin").await;
    until("the role is gone", async || !may(Scope::AdminRead).await).await;
    until("the rest is left", async || may(Scope::ChatWrite).await).await;
    let path = format!("/users/{}", who.id);
    realm
        .change(Method::PUT, &path, json!({ "enabled": false }))
        .await;
    until("is disabled", async || {
        matches!(
            keyed.access.authenticate(token, HERE).await,
            Err(AccessError::Disabled)
        )
    })
    .await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn groups_and_the_roles_of_our_client_count(pool: PgPool) {
    let realm = realm().await;
    let who = realm.someone(&[]).await;
    let client = realm.client(CLIENT).await;
    let path = format!("/clients/{client}/roles");
    let there = realm.get(&path).await;
    if !there
        .as_array()
        .unwrap()
        .iter()
        .any(|role| role["name"] == "admin")
    {
        realm
            .change(Method::POST, &path, json!({ "name": "admin" }))
            .await;
    }
    let role = realm.get(&format!("{path}/admin")).await;
    let group = format!("group-{}", Uuid::now_v7());
    let group_id = realm
        .change(Method::POST, "/groups", json!({ "name": group }))
        .await;
    let child = realm
        .change(
            Method::POST,
            &format!("/groups/{group_id}/children"),
            json!({ "name": "editors" }),
        )
        .await;
    let keyed = Keyed::new(&pool, &realm, &who, None).await;
    let_in(&keyed.access, &keyed.made.key).await;
    assert!(!keyed.may(Scope::AdminRead).await);
    // The role comes with the group.
    let mapping = format!("/groups/{child}/role-mappings/clients/{client}");
    realm.change(Method::POST, &mapping, json!([role])).await;
    let member = format!("/users/{}/groups/{child}", who.id);
    realm.change(Method::PUT, &member, json!({})).await;
    until("the role counts", async || {
        keyed.may(Scope::AdminRead).await
    })
    .await;
    let caller = keyed
        .access
        .authenticate(keyed.made.key.expose(), HERE)
        .await
        .unwrap();
    assert_eq!(caller.groups, [format!("/{group}/editors")]);
    assert_eq!(caller.user, keyed.user);
}

#[sqlx::test(migrations = "../../migrations")]
async fn while_keycloak_is_away_its_last_word_counts_for_a_while(pool: PgPool) {
    let realm = realm().await;
    let who = realm.someone(&[]).await;
    let server: url::Url = variable("KEYCLOAK_URL").parse().unwrap();
    let host = server.host_str().unwrap();
    let way = Proxy::to(format!("{host}:{}", server.port().unwrap())).await;
    let at = format!("http://{}", way.address);
    let keyed = Keyed::new(&pool, &realm, &who, Some(&at)).await;
    let_in(&keyed.access, &keyed.made.key).await;
    way.close();
    let began = std::time::Instant::now();
    while began.elapsed() < HASTY.rights_limit * 3 {
        assert!(keyed.may(Scope::ChatWrite).await, "{:?}", began.elapsed());
        assert!(!keyed.may(Scope::AdminRead).await);
        tokio::task::yield_now().await;
    }
    until("its word is too old", async || {
        matches!(
            refused(&keyed.access, &keyed.made.key).await,
            Some(AccessError::Unavailable(_))
        )
    })
    .await;
    assert!(began.elapsed() < HASTY.rights_last + Duration::from_secs(3));
    way.open();
    until("it is back", async || keyed.may(Scope::ChatWrite).await).await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn without_any_word_of_keycloak_nobody_is_let_in(pool: PgPool) {
    let realm = realm().await;
    let who = realm.someone(&["admin"]).await;
    let server: url::Url = variable("KEYCLOAK_URL").parse().unwrap();
    let host = server.host_str().unwrap();
    let way = Proxy::to(format!("{host}:{}", server.port().unwrap())).await;
    way.close();
    let at = format!("http://{}", way.address);
    let keyed = Keyed::new(&pool, &realm, &who, Some(&at)).await;
    let unknown = refused(&keyed.access, &keyed.made.key).await;
    assert!(
        matches!(unknown, Some(AccessError::Unavailable(_))),
        "{unknown:?}"
    );
    // Nor is somebody of another realm, about whom this Keycloak can say nothing.
    sqlx::query("UPDATE users SET keycloak_issuer = 'https://elsewhere.example/realms/x'")
        .execute(&pool)
        .await
        .unwrap();
    way.open();
    until("is refused", async || {
        matches!(
            refused(&keyed.access, &keyed.made.key).await,
            Some(AccessError::Disabled)
        )
    })
    .await;
}
