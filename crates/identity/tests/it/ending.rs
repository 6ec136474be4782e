//! Sign-out, and ending sessions from elsewhere: on all hosts and replicas, for good.

use onelastai_db::{Actor, Origin, PgPool};
use onelastai_identity::{Callback, IdentityError, IdentityService, Secret, SignedIn};
use onelastai_types::UserId;

use crate::{
    browser::Browser,
    realm::{Someone, audited, end_reasons, host, origin, realm, redis, session, sid},
};

/// A session for the subdomain `label`, handed over.
pub async fn handed_over(identity: &IdentityService, parent: &SignedIn, label: &str) -> SignedIn {
    let session = session(identity, parent).await.unwrap();
    let target = format!("{label}.{}", host());
    let nonce = Secret::random();
    let code = identity
        .begin_handoff(&session, &target, None, &nonce)
        .await
        .unwrap();
    identity
        .finish_handoff(&code, &target, Some(&nonce), &origin())
        .await
        .unwrap()
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_sign_out_ends_every_host_on_every_replica(pool: PgPool) {
    let realm = realm().await;
    let replicas = [realm.service(&pool), realm.service(&pool)];
    let someone = realm.someone(&[]).await;
    let main = realm.sign_in(&replicas[0], &someone).await;
    let elsewhere = realm.sign_in(&replicas[0], &someone).await;
    let chef = handed_over(&replicas[1], &main, "chef").await;
    let chef_host = format!("chef.{}", host());
    for replica in &replicas {
        assert!(
            replica
                .session(&chef.token, &chef_host)
                .await
                .unwrap()
                .is_some()
        );
    }
    let gone = session(&replicas[0], &main).await.unwrap();
    let sid = sid(&pool, &gone).await;

    // From the subdomain, at another replica than where it began.
    let url = replicas[1].sign_out(&chef.token, &origin()).await.unwrap();
    assert!(url.unwrap().path().ends_with("/logout"));
    for replica in &replicas {
        assert!(session(replica, &main).await.is_none());
        assert!(
            replica
                .session(&chef.token, &chef_host)
                .await
                .unwrap()
                .is_none()
        );
        assert!(session(replica, &elsewhere).await.is_some());
    }
    let out = Some("sign_out".to_owned());
    assert_eq!(end_reasons(&pool).await, [out.clone(), None, out]);
    assert_eq!(audited(&pool, "session.sign_out").await, 2);
    // What is left of it in Redis goes away by itself.
    let mut redis = redis().await;
    let keys: Vec<String> = redis::cmd("KEYS")
        .arg(format!("onelastai:keycloak:{sid}*"))
        .query_async(&mut redis)
        .await
        .unwrap();
    assert_eq!(keys, [format!("onelastai:keycloak:{sid}:ended")]);
}

#[sqlx::test(migrations = "../../migrations")]
async fn no_key_lives_for_ever(pool: PgPool) {
    let realm = realm().await;
    let identity = realm.service(&pool);
    let someone = realm.someone(&[]).await;
    let main = realm.sign_in(&identity, &someone).await;
    let _chef = handed_over(&identity, &main, "chef").await;
    let found = session(&identity, &main).await.unwrap();
    let sid = sid(&pool, &found).await;
    let mut redis = redis().await;
    let hashes: Vec<String> = redis::cmd("SMEMBERS")
        .arg(format!("onelastai:keycloak:{sid}:sessions"))
        .query_async(&mut redis)
        .await
        .unwrap();
    assert_eq!(hashes.len(), 2);
    let mut keys = vec![
        format!("onelastai:keycloak:{sid}"),
        format!("onelastai:keycloak:{sid}:sessions"),
        format!("onelastai:person:{}", found.user),
        format!("onelastai:seen:{}", found.id),
    ];
    keys.extend(
        hashes
            .iter()
            .map(|hash| format!("onelastai:session:{hash}")),
    );
    for key in keys {
        let left: i64 = redis::cmd("TTL")
            .arg(&key)
            .query_async(&mut redis)
            .await
            .unwrap();
        assert!((1..=600).contains(&left), "{key}: {left}");
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn sign_outs_and_requests_at_once_settle_once(pool: PgPool) {
    let realm = realm().await;
    let replicas = [realm.service(&pool), realm.service(&pool)];
    let someone = realm.someone(&[]).await;
    let main = realm.sign_in(&replicas[0], &someone).await;
    let outs = (0..10).map(|n| {
        let origin = Origin::default();
        let (replica, token) = (&replicas[n % 2], &main.token);
        async move { replica.sign_out(token, &origin).await.unwrap() }
    });
    let outs = futures::future::join_all(outs).await;
    assert_eq!(outs.iter().flatten().count(), 1);
    assert_eq!(audited(&pool, "session.sign_out").await, 1);
    assert!(session(&replicas[1], &main).await.is_none());
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_person_sees_and_ends_their_own_sessions(pool: PgPool) {
    let realm = realm().await;
    let identity = realm.service(&pool);
    let (someone, stranger) = (realm.someone(&[]).await, realm.someone(&[]).await);
    let here = realm.sign_in(&identity, &someone).await;
    let chef = handed_over(&identity, &here, "chef").await;
    let mut other_browser = Browser::default();
    let there = realm
        .sign_in_from(&mut other_browser, &identity, &someone)
        .await;
    let begun = identity.begin_sign_in(None).await.unwrap();
    assert!(other_browser.is_signed_in(&begun.url).await);
    let third = realm.sign_in(&identity, &someone).await;
    let strangers = realm.sign_in(&identity, &stranger).await;
    let current = session(&identity, &here).await.unwrap();
    let of_stranger = session(&identity, &strangers).await.unwrap();

    let listed = identity
        .sessions_of(current.user, Some(&current))
        .await
        .unwrap();
    assert_eq!(listed.len(), 4);
    assert_eq!(listed.iter().filter(|it| it.current).count(), 1);
    assert_eq!(listed.iter().filter(|it| it.same_browser).count(), 2);
    assert!(listed.iter().all(|it| it.device == "Firefox on Linux"));
    assert!(
        listed
            .iter()
            .all(|it| it.address == "127.0.0.1".parse().ok())
    );
    assert!(
        listed
            .iter()
            .any(|it| it.host == format!("chef.{}", host()))
    );

    let actor = |user: UserId| Actor::User {
        id: user.0,
        name: "x".into(),
    };
    // A stranger's can't be ended, nor seen.
    let theirs = identity
        .end_session(current.user, of_stranger.id, actor(current.user), &origin())
        .await;
    assert!(matches!(theirs, Err(IdentityError::NotFound)), "{theirs:?}");
    assert!(session(&identity, &strangers).await.is_some());

    let there_session = session(&identity, &there).await.unwrap();
    let ended = identity
        .end_session(
            current.user,
            there_session.id,
            actor(current.user),
            &origin(),
        )
        .await
        .unwrap();
    assert_eq!(ended, 1);
    assert!(session(&identity, &there).await.is_none());
    let again = identity
        .end_session(
            current.user,
            there_session.id,
            actor(current.user),
            &origin(),
        )
        .await;
    assert!(matches!(again, Err(IdentityError::NotFound)), "{again:?}");
    // That browser is not let in again without a password.
    let begun = identity.begin_sign_in(None).await.unwrap();
    assert!(!other_browser.is_signed_in(&begun.url).await);

    assert_eq!(
        identity
            .end_other_sessions(&current, &origin())
            .await
            .unwrap(),
        1
    );
    assert!(session(&identity, &third).await.is_none());
    assert!(session(&identity, &here).await.is_some());
    let chef_host = format!("chef.{}", host());
    assert!(
        identity
            .session(&chef.token, &chef_host)
            .await
            .unwrap()
            .is_some()
    );
    assert!(session(&identity, &strangers).await.is_some());
    assert_eq!(audited(&pool, "session.end").await, 2);
    let listed = identity.sessions_of(current.user, None).await.unwrap();
    assert!(listed.len() == 2 && listed.iter().all(|it| !it.current));
}

#[sqlx::test(migrations = "../../migrations")]
async fn being_here_is_noted_once_a_minute(pool: PgPool) {
    let realm = realm().await;
    let identity = realm.service(&pool);
    let someone = realm.someone(&[]).await;
    let main = realm.sign_in(&identity, &someone).await;
    sqlx::query("UPDATE user_sessions SET last_seen_at = now() - interval '1 hour'")
        .execute(&pool)
        .await
        .unwrap();
    let times = || async {
        let fresh: bool = sqlx::query_scalar(
            "SELECT last_seen_at > now() - interval '1 minute' FROM user_sessions",
        )
        .fetch_one(&pool)
        .await
        .unwrap();
        fresh
    };
    let found = session(&identity, &main).await.unwrap();
    let until = std::time::Instant::now() + std::time::Duration::from_secs(5);
    while !times().await {
        assert!(std::time::Instant::now() < until, "it was not noted");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    // The note in Redis is what holds back the next one.
    let mut redis = redis().await;
    let left: i64 = redis::cmd("TTL")
        .arg(format!("onelastai:seen:{}", found.id))
        .query_async(&mut redis)
        .await
        .unwrap();
    assert!((50..=60).contains(&left), "{left}");
}

/// Signs in in a browser that already has a session of ours.
async fn sign_in_again(
    identity: &IdentityService,
    browser: &mut Browser,
    who: Option<&Someone>,
    before: &SignedIn,
) -> SignedIn {
    let begun = identity.begin_sign_in(None).await.unwrap();
    let (code, state) = match who {
        Some(who) => browser
            .sign_in(&begun.url, &who.username, &who.password)
            .await
            .unwrap(),
        None => browser.pass_through(&begun.url).await.unwrap(),
    };
    let callback = Callback {
        code,
        state: state.clone(),
        state_of_browser: Some(state),
        replaced: Some(before.token.clone()),
        origin: origin(),
    };
    identity.finish_sign_in(callback).await.unwrap()
}

#[sqlx::test(migrations = "../../migrations")]
async fn signing_in_again_replaces_what_the_browser_had(pool: PgPool) {
    let realm = realm().await;
    let identity = realm.service(&pool);
    let (someone, other) = (realm.someone(&[]).await, realm.someone(&[]).await);
    let mut browser = Browser::default();
    let first = realm.sign_in_from(&mut browser, &identity, &someone).await;
    let chef = handed_over(&identity, &first, "chef").await;
    let chef_host = format!("chef.{}", host());
    // The same Keycloak session: the subdomain's session goes on.
    let second = sign_in_again(&identity, &mut browser, None, &first).await;
    assert!(session(&identity, &first).await.is_none());
    assert!(session(&identity, &second).await.is_some());
    assert!(
        identity
            .session(&chef.token, &chef_host)
            .await
            .unwrap()
            .is_some()
    );
    // Somebody else at the same browser: nothing of the one before is left.
    let third = sign_in_again(&identity, &mut Browser::default(), Some(&other), &second).await;
    assert_eq!(
        session(&identity, &third).await.unwrap().username,
        other.username
    );
    assert!(session(&identity, &second).await.is_none());
    assert!(
        identity
            .session(&chef.token, &chef_host)
            .await
            .unwrap()
            .is_none()
    );
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_account_is_found_closed_and_opened(pool: PgPool) {
    let realm = realm().await;
    let replicas = [realm.service(&pool), realm.service(&pool)];
    let identity = &replicas[0];
    let (someone, other) = (realm.someone(&[]).await, realm.someone(&[]).await);
    let signed_in = realm.sign_in(identity, &someone).await;
    let others = realm.sign_in(identity, &other).await;
    let user = session(identity, &signed_in).await.unwrap().user;

    let found = identity
        .search_users(&someone.username[3..], 0)
        .await
        .unwrap();
    assert!(found.accounts.len() == 1 && !found.more, "{found:?}");
    assert_eq!(found.accounts[0], identity.user(user).await.unwrap());
    assert_eq!(
        identity.search_users("", 0).await.unwrap().accounts.len(),
        2
    );
    assert!(
        identity
            .search_users("", 1)
            .await
            .unwrap()
            .accounts
            .is_empty()
    );
    assert!(
        identity
            .search_users("%_%", 0)
            .await
            .unwrap()
            .accounts
            .is_empty()
    );
    let nobody = identity.user(uuid::Uuid::nil().into()).await;
    assert!(matches!(nobody, Err(IdentityError::NotFound)), "{nobody:?}");

    let admin = Actor::Program("test");
    for _ in 0..2 {
        identity
            .disable_user(user, admin.clone(), &origin())
            .await
            .unwrap();
    }
    for replica in &replicas {
        assert!(session(replica, &signed_in).await.is_none());
        assert!(session(replica, &others).await.is_some());
    }
    assert!(identity.user(user).await.unwrap().disabled_at.is_some());
    assert_eq!(audited(&pool, "user.disable").await, 1);
    assert_eq!(audited(&pool, "session.end").await, 1);
    assert!(
        end_reasons(&pool)
            .await
            .contains(&Some("disabled".to_owned()))
    );
    identity.enable_user(user, admin, &origin()).await.unwrap();
    assert!(identity.user(user).await.unwrap().disabled_at.is_none());
    assert_eq!(audited(&pool, "user.enable").await, 1);
    let again = realm.sign_in(identity, &someone).await;
    assert!(session(identity, &again).await.is_some());
}
