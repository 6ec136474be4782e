//! What Keycloak knows of accounts and their events.

use onelastai_db::{Actor, Origin, PgPool, audit, new_id};
use onelastai_identity::IdentityError;
use onelastai_types::Tier;
use uuid::Uuid;

use crate::{browser::Browser, realm::realm, service, sign_in};

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
