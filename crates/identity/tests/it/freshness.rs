//! What Keycloak changes takes effect, once, and Keycloak may be away for a while.

use std::time::{Duration, Instant};

use onelastai_db::PgPool;
use onelastai_identity::{IdentityError, IdentityService, Permission};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    realm::{CLIENT, Realm, age, audited, end_reasons, host, realm, session, sid},
    service_with, variable,
};

/// A replica whose Keycloak is at this address.
fn with_keycloak_at(realm: &Realm, pool: &PgPool, url: &str) -> IdentityService {
    let mut settings = realm.settings();
    settings.url = url.parse().unwrap();
    service_with(pool.clone(), settings, &variable("REDIS_URL"))
}

#[sqlx::test(migrations = "../../migrations")]
async fn roles_groups_and_names_take_effect(pool: PgPool) {
    let realm = realm().await;
    let identity = realm.service(&pool);
    let someone = realm.someone(&["agent-manager"]).await;
    let signed_in = realm.sign_in(&identity, &someone).await;
    let before = session(&identity, &signed_in).await.unwrap();
    assert!(before.may(Permission::AgentsManage) && before.groups.is_empty());
    let sid = sid(&pool, &before).await;

    realm.take(&someone.id, "agent-manager").await;
    let staff = realm
        .change(
            Method::POST,
            "/groups",
            json!({ "name": format!("staff-{}", someone.id) }),
        )
        .await;
    let editors = realm
        .change(
            Method::POST,
            &format!("/groups/{staff}/children"),
            json!({ "name": "editors" }),
        )
        .await;
    let path = format!("/users/{}/groups/{editors}", someone.id);
    realm.change(Method::PUT, &path, json!({})).await;
    // A role of our client, and one of the same name of another, which is nobody's business.
    let (ours, other) = (
        realm.client(CLIENT).await,
        realm.client("onelastai-backend").await,
    );
    for (client, role) in [(&ours, "auditor"), (&other, "admin")] {
        let roles = format!("/clients/{client}/roles");
        let known = realm.get(&roles).await;
        if !known
            .as_array()
            .unwrap()
            .iter()
            .any(|it| it["name"] == role)
        {
            realm
                .change(Method::POST, &roles, json!({ "name": role }))
                .await;
        }
        let role = realm.get(&format!("{roles}/{role}")).await;
        let path = format!("/users/{}/role-mappings/clients/{client}", someone.id);
        realm.change(Method::POST, &path, json!([role])).await;
    }
    let path = format!("/users/{}", someone.id);
    let mut user = realm.get(&path).await;
    user["firstName"] = json!("Another");
    user["email"] = json!(format!("new-{}@example.com", someone.username));
    // What a person may edit of themselves gives nothing.
    user["attributes"] = json!({ "roles": ["admin"], "realm_access.roles": ["admin"] });
    realm.change(Method::PUT, &path, user).await;

    let unchanged = session(&identity, &signed_in).await.unwrap();
    assert_eq!(unchanged.permissions(), before.permissions());
    age(&sid, 61).await;
    let after = session(&identity, &signed_in).await.unwrap();
    assert!(!after.may(Permission::AgentsManage) && after.may(Permission::AuditRead));
    assert!(!after.may(Permission::UsersManage), "{after:?}");
    assert_eq!(after.groups, [format!("/staff-{}/editors", someone.id)]);
    assert_eq!(after.name, "Another One");
    let row: (String, String) = sqlx::query_as("SELECT display_name, email FROM users")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(row.0, "Another One");
    assert!(row.1.starts_with("new-"), "{row:?}");

    let noted = grants_in_log(&pool).await;
    let [first, second] = &noted[..] else {
        panic!("{noted:?}")
    };
    let has = |side: &Value, role: &str| side.as_array().unwrap().contains(&json!(role));
    assert_eq!(first["roles"][0], Value::Null);
    assert!(has(&first["roles"][1], "agent-manager"));
    assert_eq!(first["roles"][1], second["roles"][0]);
    assert!(!has(&second["roles"][1], "agent-manager") && has(&second["roles"][1], "auditor"));
    assert_eq!(second["groups"], json!([null, after.groups]));
    // Once, whoever hears of it again: the same session, or another sign-in.
    age(&sid, 61).await;
    session(&identity, &signed_in).await.unwrap();
    realm.sign_in(&identity, &someone).await;
    assert_eq!(grants_in_log(&pool).await.len(), 2);
}

#[sqlx::test(migrations = "../../migrations")]
async fn roles_that_changed_meanwhile_are_noted_at_the_next_sign_in(pool: PgPool) {
    let realm = realm().await;
    let identity = realm.service(&pool);
    let someone = realm.someone(&["auditor"]).await;
    realm.sign_in(&identity, &someone).await;
    realm.take(&someone.id, "auditor").await;
    realm.sign_in(&identity, &someone).await;
    let noted = grants_in_log(&pool).await;
    assert_eq!(noted.len(), 2, "{noted:?}");
    assert_eq!(noted[0]["roles"][1], noted[1]["roles"][0]);
    assert!(!noted[1]["roles"][1].to_string().contains("auditor"));
    assert_eq!(noted[1].get("groups"), None, "{noted:?}");
}

/// What the log has of roles and groups, the oldest first.
async fn grants_in_log(pool: &PgPool) -> Vec<Value> {
    sqlx::query_scalar(
        "SELECT changes FROM audit_logs WHERE action = 'user.roles' ORDER BY sequence",
    )
    .fetch_all(pool)
    .await
    .unwrap()
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_little_old_is_refreshed_behind_the_requests_back(pool: PgPool) {
    let realm = realm().await;
    let identity = realm.service(&pool);
    let someone = realm.someone(&["auditor"]).await;
    let signed_in = realm.sign_in(&identity, &someone).await;
    let before = session(&identity, &signed_in).await.unwrap();
    realm.take(&someone.id, "auditor").await;
    age(&sid(&pool, &before).await, 50).await;
    let meanwhile = session(&identity, &signed_in).await.unwrap();
    assert!(meanwhile.may(Permission::AuditRead));
    let until = Instant::now() + Duration::from_secs(10);
    while session(&identity, &signed_in)
        .await
        .unwrap()
        .may(Permission::AuditRead)
    {
        assert!(Instant::now() < until, "nobody asked Keycloak");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn fifty_requests_on_two_replicas_refresh_once(pool: PgPool) {
    let realm = realm().await;
    let replicas = [realm.service(&pool), realm.service(&pool)];
    let someone = realm.someone(&["auditor"]).await;
    let signed_in = realm.sign_in(&replicas[0], &someone).await;
    let before = session(&replicas[0], &signed_in).await.unwrap();
    let sid = sid(&pool, &before).await;
    for round in 1..=3 {
        if round == 1 {
            realm.take(&someone.id, "auditor").await;
        }
        age(&sid, 61 + round).await;
        let requests = (0..50).map(|n| session(&replicas[n % 2], &signed_in));
        for session in futures::future::join_all(requests).await {
            assert!(!session.expect("signed in").may(Permission::AuditRead));
        }
        let refreshes = realm.events("REFRESH_TOKEN", &someone.id).await;
        assert_eq!(refreshes, usize::try_from(round).unwrap());
    }
    assert_eq!(realm.events("REFRESH_TOKEN_ERROR", &someone.id).await, 0);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_browser_that_hangs_up_does_not_lose_the_token(pool: PgPool) {
    let realm = realm().await;
    let identity = realm.service(&pool);
    let someone = realm.someone(&[]).await;
    let signed_in = realm.sign_in(&identity, &someone).await;
    let sid = sid(&pool, &session(&identity, &signed_in).await.unwrap()).await;
    for _ in 0..3 {
        age(&sid, 61).await;
        let hung_up =
            tokio::time::timeout(Duration::from_millis(10), session(&identity, &signed_in)).await;
        assert!(hung_up.is_err(), "too quick to be hung up on");
        assert!(session(&identity, &signed_in).await.is_some());
    }
    assert_eq!(realm.events("REFRESH_TOKEN", &someone.id).await, 3);
    assert_eq!(realm.events("REFRESH_TOKEN_ERROR", &someone.id).await, 0);
}

#[sqlx::test(migrations = "../../migrations")]
async fn who_is_disabled_in_keycloak_is_out(pool: PgPool) {
    let realm = realm().await;
    let identity = realm.service(&pool);
    let someone = realm.someone(&[]).await;
    let signed_in = realm.sign_in(&identity, &someone).await;
    let before = session(&identity, &signed_in).await.unwrap();
    let path = format!("/users/{}", someone.id);
    let mut user = realm.get(&path).await;
    user["enabled"] = json!(false);
    realm.change(Method::PUT, &path, user).await;
    age(&sid(&pool, &before).await, 61).await;
    assert!(session(&identity, &signed_in).await.is_none());
    assert!(session(&realm.service(&pool), &signed_in).await.is_none());
    settled(&pool, "disabled").await;
    assert_eq!(audited(&pool, "session.end").await, 1);
}

#[sqlx::test(migrations = "../../migrations")]
async fn keycloaks_session_that_ended_ends_ours(pool: PgPool) {
    let realm = realm().await;
    let identity = realm.service(&pool);
    let someone = realm.someone(&[]).await;
    let signed_in = realm.sign_in(&identity, &someone).await;
    let before = session(&identity, &signed_in).await.unwrap();
    let sid = sid(&pool, &before).await;
    let path = format!("/sessions/{sid}");
    realm.change(Method::DELETE, &path, json!({})).await;
    age(&sid, 61).await;
    assert!(session(&identity, &signed_in).await.is_none());
    settled(&pool, "expired").await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn who_is_disabled_here_is_out_even_if_redis_was_not_told(pool: PgPool) {
    let realm = realm().await;
    let identity = realm.service(&pool);
    let someone = realm.someone(&[]).await;
    let signed_in = realm.sign_in(&identity, &someone).await;
    let before = session(&identity, &signed_in).await.unwrap();
    sqlx::query("UPDATE users SET disabled_at = now()")
        .execute(&pool)
        .await
        .unwrap();
    age(&sid(&pool, &before).await, 61).await;
    assert!(session(&identity, &signed_in).await.is_none());
    settled(&pool, "disabled").await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn keycloak_may_be_away_for_five_minutes(pool: PgPool) {
    let realm = realm().await;
    let identity = realm.service(&pool);
    let alone = with_keycloak_at(&realm, &pool, "http://localhost:9");
    let someone = realm.someone(&["auditor"]).await;
    let signed_in = realm.sign_in(&identity, &someone).await;
    let sid = sid(&pool, &session(&identity, &signed_in).await.unwrap()).await;

    age(&sid, 350).await;
    let meanwhile = session(&alone, &signed_in).await.expect("still signed in");
    assert!(meanwhile.may(Permission::AuditRead));
    age(&sid, 361).await;
    let too_long = alone.session(&signed_in.token, &host()).await;
    assert!(
        matches!(too_long, Err(IdentityError::KeycloakUnavailable(_))),
        "{too_long:?}"
    );
    // It is left alone for a moment, and everybody else knows at once.
    let since = Instant::now();
    assert!(alone.session(&signed_in.token, &host()).await.is_err());
    assert!(since.elapsed() < Duration::from_secs(1));
    assert_eq!(end_reasons(&pool).await, [None]);
    // Back again: nobody had to sign in anew.
    age(&sid, 361).await;
    assert!(session(&identity, &signed_in).await.is_some());
    assert_eq!(realm.events("REFRESH_TOKEN", &someone.id).await, 1);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_keycloak_that_hangs_does_not_hang_requests(pool: PgPool) {
    let realm = realm().await;
    let identity = realm.service(&pool);
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let stuck = with_keycloak_at(&realm, &pool, &url);
    let someone = realm.someone(&[]).await;
    let signed_in = realm.sign_in(&identity, &someone).await;
    let sid = sid(&pool, &session(&identity, &signed_in).await.unwrap()).await;
    age(&sid, 120).await;
    let since = Instant::now();
    let requests = (0..20).map(|_| session(&stuck, &signed_in));
    let all = futures::future::join_all(requests).await;
    assert!(all.iter().all(Option::is_some));
    assert!(
        since.elapsed() < Duration::from_secs(5),
        "{:?}",
        since.elapsed()
    );
}

/// Waits until the one session of this database is noted as ended.
async fn settled(pool: &PgPool, reason: &str) {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let reasons = end_reasons(pool).await;
        if reasons == [Some(reason.to_owned())] {
            return;
        }
        assert!(reasons == [None] && Instant::now() < until, "{reasons:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
