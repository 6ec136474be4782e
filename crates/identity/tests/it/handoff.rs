//! A session handed to a subdomain, and everybody who would like to have it.

use onelastai_db::PgPool;
use onelastai_identity::{IdentityError, Secret};

use crate::{
    ending::handed_over,
    realm::{audited, end_reasons, host, origin, realm, redis, session, sid},
};

#[sqlx::test(migrations = "../../migrations")]
async fn a_subdomain_gets_a_session_of_its_own(pool: PgPool) {
    let realm = realm().await;
    let identity = realm.service(&pool);
    let someone = realm.someone(&["auditor"]).await;
    let main = realm.sign_in(&identity, &someone).await;
    let parent = session(&identity, &main).await.unwrap();
    let (chef, poet) = (format!("chef.{}", host()), format!("poet.{}", host()));
    let nonce = Secret::random();
    let code = identity
        .begin_handoff(&parent, &chef, Some("/chat/1?x=2"), &nonce)
        .await
        .unwrap();
    let signed_in = identity
        .finish_handoff(&code, &chef, Some(&nonce), &origin())
        .await
        .unwrap();
    assert_eq!(signed_in.return_to, "/chat/1?x=2");
    assert!(signed_in.lifetime.as_secs() <= 600);
    let child = identity
        .session(&signed_in.token, &chef)
        .await
        .unwrap()
        .unwrap();
    assert!(child.user == parent.user && child.id != parent.id && child.host == chef);
    assert_eq!(child.permissions(), parent.permissions());
    assert_eq!(sid(&pool, &child).await, sid(&pool, &parent).await);
    assert_eq!(audited(&pool, "session.hand_over").await, 1);
    // Each cookie is good at its own host only.
    for (token, host) in [
        (&signed_in.token, host()),
        (&signed_in.token, poet.clone()),
        (&main.token, chef.clone()),
    ] {
        assert!(
            identity.session(token, &host).await.unwrap().is_none(),
            "{host}"
        );
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_code_is_good_once_for_its_host_and_browser(pool: PgPool) {
    let realm = realm().await;
    let identity = realm.service(&pool);
    let someone = realm.someone(&[]).await;
    let main = realm.sign_in(&identity, &someone).await;
    let parent = session(&identity, &main).await.unwrap();
    let (chef, poet) = (format!("chef.{}", host()), format!("poet.{}", host()));
    let nonce = Secret::random();
    let begin = || identity.begin_handoff(&parent, &chef, None, &nonce);
    let wrong = Secret::random();
    let nothing = Secret::new("");
    for (what, host, browser) in [
        ("another host", &poet, Some(&nonce)),
        ("the main host", &host(), Some(&nonce)),
        ("another browser", &chef, Some(&wrong)),
        ("an empty nonce", &chef, Some(&nothing)),
        ("no nonce", &chef, None),
    ] {
        let code = begin().await.unwrap();
        let refused = identity
            .finish_handoff(&code, host, browser, &origin())
            .await;
        assert!(
            matches!(refused, Err(IdentityError::SignInExpired)),
            "{what}: {refused:?}"
        );
        // It is spent.
        let again = identity
            .finish_handoff(&code, &chef, Some(&nonce), &origin())
            .await;
        assert!(
            matches!(again, Err(IdentityError::SignInExpired)),
            "{what}: {again:?}"
        );
    }
    // Many at once: one gets it.
    let code = begin().await.unwrap();
    let replica = realm.service(&pool);
    let from = origin();
    let tries = (0..10).map(|n| {
        let identity = if n % 2 == 0 { &identity } else { &replica };
        identity.finish_handoff(&code, &chef, Some(&nonce), &from)
    });
    let got = futures::future::join_all(tries).await;
    assert_eq!(got.iter().filter(|it| it.is_ok()).count(), 1);
    let guessed = identity
        .finish_handoff(&Secret::random(), &chef, Some(&nonce), &origin())
        .await;
    assert!(
        matches!(guessed, Err(IdentityError::SignInExpired)),
        "{guessed:?}"
    );
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_code_is_stored_hashed_and_for_half_a_minute(pool: PgPool) {
    let realm = realm().await;
    let identity = realm.service(&pool);
    let someone = realm.someone(&[]).await;
    let main = realm.sign_in(&identity, &someone).await;
    let parent = session(&identity, &main).await.unwrap();
    let chef = format!("chef.{}", host());
    let nonce = Secret::random();
    let code = identity
        .begin_handoff(&parent, &chef, None, &nonce)
        .await
        .unwrap();
    assert_eq!(code.expose().len(), 43);
    let mut redis = redis().await;
    let key = format!("onelastai:handoff:{}", crate::keys::encode(code.hash()));
    let left: i64 = redis::cmd("TTL")
        .arg(&key)
        .query_async(&mut redis)
        .await
        .unwrap();
    assert!((25..=30).contains(&left), "{left}");
    let kept: String = redis::cmd("GET")
        .arg(&key)
        .query_async(&mut redis)
        .await
        .unwrap();
    assert!(!kept.contains(code.expose()) && !kept.contains(nonce.expose()));
    // As if the time were over.
    let () = redis::cmd("DEL")
        .arg(&key)
        .query_async(&mut redis)
        .await
        .unwrap();
    let late = identity
        .finish_handoff(&code, &chef, Some(&nonce), &origin())
        .await;
    assert!(
        matches!(late, Err(IdentityError::SignInExpired)),
        "{late:?}"
    );
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_code_ends_with_its_parent(pool: PgPool) {
    let realm = realm().await;
    let identity = realm.service(&pool);
    let someone = realm.someone(&[]).await;
    let main = realm.sign_in(&identity, &someone).await;
    let parent = session(&identity, &main).await.unwrap();
    let chef = format!("chef.{}", host());
    let nonce = Secret::random();
    let code = identity
        .begin_handoff(&parent, &chef, None, &nonce)
        .await
        .unwrap();
    identity.sign_out(&main.token, &origin()).await.unwrap();
    let late = identity
        .finish_handoff(&code, &chef, Some(&nonce), &origin())
        .await;
    assert!(
        matches!(late, Err(IdentityError::SignInExpired)),
        "{late:?}"
    );
    assert_eq!(end_reasons(&pool).await, [Some("sign_out".to_owned())]);
}

#[sqlx::test(migrations = "../../migrations")]
async fn nothing_is_handed_to_strangers(pool: PgPool) {
    let realm = realm().await;
    let identity = realm.service(&pool);
    let someone = realm.someone(&[]).await;
    let main = realm.sign_in(&identity, &someone).await;
    let parent = session(&identity, &main).await.unwrap();
    let nonce = Secret::random();
    let ours = host();
    for hostile in [
        "evil.example".to_owned(),
        ours.clone(),
        format!("evil{ours}"),
        format!("evil.example/.{ours}"),
        format!("evil.example:80@x.{ours}"),
        format!("a.b.{ours}"),
        format!("-a.{ours}"),
        format!("a_.{ours}"),
        format!("CHEF.{ours}"),
        format!("chef.{ours}:1234"),
        format!("chef.{ours}.evil.example"),
        format!(".{ours}"),
        String::new(),
    ] {
        let refused = identity
            .begin_handoff(&parent, &hostile, None, &nonce)
            .await;
        assert!(
            matches!(refused, Err(IdentityError::NotFound)),
            "{hostile}: {refused:?}"
        );
    }
    let chef = format!("chef.{ours}");
    for bad in ["", "short", &"x".repeat(1000)] {
        let refused = identity
            .begin_handoff(&parent, &chef, None, &Secret::new(bad))
            .await;
        assert!(
            matches!(refused, Err(IdentityError::NotFound)),
            "{bad}: {refused:?}"
        );
    }
    for away in [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "/auth/login",
    ] {
        let code = identity
            .begin_handoff(&parent, &chef, Some(away), &nonce)
            .await
            .unwrap();
        let there = identity
            .finish_handoff(&code, &chef, Some(&nonce), &origin())
            .await
            .unwrap();
        assert_eq!(there.return_to, "/chat", "{away}");
    }
    // A child can hand on, and what it hands on ends with all the rest.
    let poet = handed_over(&identity, &main, "poet").await;
    identity.sign_out(&main.token, &origin()).await.unwrap();
    let gone = identity
        .session(&poet.token, &format!("poet.{ours}"))
        .await
        .unwrap();
    assert!(gone.is_none());
}
