//! Keycloak's word that a session has ended, and everybody who would like to say so.

use std::time::{Duration, Instant};

use onelastai_db::PgPool;
use onelastai_identity::{IdentityError, IdentityService};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::{
    ending::handed_over,
    keys,
    realm::{CLIENT, Realm, age, audited, end_reasons, host, origin, realm, redis, session, sid},
    service_with, variable,
};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

fn now() -> i64 {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

/// What Keycloak would say.
fn claims(realm: &Realm, subject: &str, sid: &str) -> Value {
    json!({
        "iss": realm.issuer(), "aud": CLIENT, "sub": subject, "sid": sid,
        "iat": now(), "exp": now() + 120, "jti": onelastai_identity::Secret::random().expose(),
        "typ": "Logout", "events": { EVENT: {} }
    })
}

async fn refused(identity: &IdentityService, what: &str, token: &str) {
    let answer = identity.back_channel_logout(token, &origin()).await;
    assert!(
        matches!(answer, Err(IdentityError::Unverified(_))),
        "{what}: {answer:?}"
    );
}

/// Takes one POST of a form and gives its `logout_token`.
async fn logout_token(listener: &TcpListener) -> String {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut read = Vec::new();
    let body = loop {
        let mut some = [0; 4096];
        let count = stream.read(&mut some).await.unwrap();
        assert_ne!(count, 0, "hung up");
        read.extend_from_slice(&some[..count]);
        let text = String::from_utf8_lossy(&read).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length: usize = head
                .lines()
                .find_map(|line| {
                    let (name, value) = line.split_once(':')?;
                    name.eq_ignore_ascii_case("content-length")
                        .then(|| value.trim().parse().unwrap())
                })
                .expect("a length");
            if body.len() >= length {
                assert!(head.starts_with("POST /auth/backchannel-logout "), "{head}");
                break body.to_owned();
            }
        }
    };
    stream
        .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    url::form_urlencoded::parse(body.as_bytes())
        .find(|(name, _)| name == "logout_token")
        .expect("a logout token")
        .1
        .into_owned()
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_administrators_logout_in_keycloak_ends_all(pool: PgPool) {
    let realm = realm().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let name = format!("web-{}", listener.local_addr().unwrap().port());
    let url = format!(
        "http://{}/auth/backchannel-logout",
        listener.local_addr().unwrap()
    );
    realm
        .copy_client(&name, |client| {
            client["attributes"]["backchannel.logout.url"] = json!(url);
        })
        .await;
    let mut settings = realm.settings();
    settings.client_id.clone_from(&name);
    let replica =
        |pool: &PgPool| service_with(pool.clone(), settings.clone(), &variable("REDIS_URL"));
    let replicas = [replica(&pool), replica(&pool)];
    let someone = realm.someone(&[]).await;
    let main = realm.sign_in(&replicas[0], &someone).await;
    let chef = handed_over(&replicas[0], &main, "chef").await;

    let path = format!("/users/{}/logout", someone.id);
    let told = async {
        tokio::time::timeout(Duration::from_secs(20), logout_token(&listener))
            .await
            .expect("Keycloak says it")
    };
    let (_, token) = tokio::join!(realm.change(Method::POST, &path, json!({})), told);
    // For another client it is none of our business.
    refused(&realm.service(&pool), "another client's", &token).await;
    let ended = replicas[1]
        .back_channel_logout(&token, &origin())
        .await
        .unwrap();
    assert_eq!(ended, 2);
    for replica in &replicas {
        assert!(session(replica, &main).await.is_none());
        let chef_host = format!("chef.{}", host());
        assert!(
            replica
                .session(&chef.token, &chef_host)
                .await
                .unwrap()
                .is_none()
        );
    }
    let out = Some("back_channel".to_owned());
    assert_eq!(end_reasons(&pool).await, [out.clone(), out]);
    assert_eq!(audited(&pool, "session.end").await, 2);
    refused(&replicas[0], "used before", &token).await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_sid_ends_its_session_and_a_sub_all(pool: PgPool) {
    let realm = realm().await;
    let identity = realm.service(&pool);
    let (someone, stranger) = (realm.someone(&[]).await, realm.someone(&[]).await);
    let mut all = Vec::new();
    for _ in 0..3 {
        all.push(realm.sign_in(&identity, &someone).await);
    }
    let strangers = realm.sign_in(&identity, &stranger).await;
    let first = sid(&pool, &session(&identity, &all[0]).await.unwrap()).await;
    let say = |claims: Value| {
        let token = realm.key.sign(&claims);
        let identity = identity.clone();
        async move { identity.back_channel_logout(&token, &origin()).await }
    };
    // A sid of somebody else than the sub: nothing ends.
    let mixed = say(claims(&realm, &stranger.id, &first)).await;
    assert!(
        matches!(mixed, Err(IdentityError::Unverified(_))),
        "{mixed:?}"
    );
    let mut only_sid = claims(&realm, "", &first);
    only_sid.as_object_mut().unwrap().remove("sub");
    assert_eq!(say(only_sid).await.unwrap(), 1);
    assert!(session(&identity, &all[0]).await.is_none());
    assert!(session(&identity, &all[1]).await.is_some());
    assert_eq!(
        say(claims(&realm, &someone.id, "unknown")).await.unwrap(),
        0
    );
    let mut only_sub = claims(&realm, &someone.id, "");
    only_sub.as_object_mut().unwrap().remove("sid");
    assert_eq!(say(only_sub.clone()).await.unwrap_or(99), 2);
    assert!(session(&identity, &all[2]).await.is_none());
    assert!(session(&identity, &strangers).await.is_some());
    only_sub["sub"] = json!("nobody");
    only_sub["jti"] = json!("another");
    assert_eq!(say(only_sub).await.unwrap(), 0);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_forged_logout_token_ends_nothing(pool: PgPool) {
    let realm = realm().await;
    let identity = realm.service(&pool);
    let someone = realm.someone(&[]).await;
    let main = realm.sign_in(&identity, &someone).await;
    let sid = sid(&pool, &session(&identity, &main).await.unwrap()).await;
    let good = claims(&realm, &someone.id, &sid);
    for (what, token) in realm.key.badly_signed(&good) {
        refused(&identity, what, &token).await;
    }
    let tokens = realm.tokens(CLIENT, &someone).await;
    for other in ["access_token", "id_token", "refresh_token"] {
        refused(&identity, other, tokens[other].as_str().unwrap()).await;
    }
    let mut id_token = keys::claims(tokens["id_token"].as_str().unwrap());
    id_token["sid"] = json!(sid);
    refused(
        &identity,
        "an ID token of that session",
        &realm.key.sign(&id_token),
    )
    .await;
    assert!(session(&identity, &main).await.is_some());
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_logout_token_with_wrong_claims_ends_nothing(pool: PgPool) {
    let realm = realm().await;
    let identity = realm.service(&pool);
    let someone = realm.someone(&[]).await;
    let main = realm.sign_in(&identity, &someone).await;
    let sid = sid(&pool, &session(&identity, &main).await.unwrap()).await;
    let good = claims(&realm, &someone.id, &sid);
    let missing = ["iss", "aud", "iat", "exp", "jti", "events"];
    for (claim, values) in [
        (
            "iss",
            vec![json!("https://evil.example"), json!([realm.issuer()])],
        ),
        (
            "aud",
            vec![json!("another"), json!([]), json!({ "x": CLIENT })],
        ),
        ("iat", vec![json!(now().to_string()), json!(now() + 3600)]),
        (
            "exp",
            vec![
                json!((now() + 60).to_string()),
                json!(now() - 3600),
                json!(now() + 864_000),
                json!(true),
                json!(i64::MAX),
            ],
        ),
        ("nbf", vec![json!("0"), json!(now() + 3600), Value::Null]),
        ("jti", vec![json!(""), json!(5)]),
        (
            "events",
            vec![
                json!({}),
                json!([EVENT]),
                json!({ EVENT: true }),
                json!({ EVENT: null }),
                json!(EVENT),
                json!({ "http://schemas.openid.net/event/other": {} }),
            ],
        ),
        ("nonce", vec![json!("x"), json!(""), Value::Null]),
        ("typ", vec![json!("Bearer"), json!("ID")]),
        ("sid", vec![json!(5), json!({})]),
    ] {
        for value in values {
            let mut bad = good.clone();
            bad[claim] = value.clone();
            refused(
                &identity,
                &format!("{claim} {value}"),
                &realm.key.sign(&bad),
            )
            .await;
        }
        let mut bad = good.clone();
        bad.as_object_mut().unwrap().remove(claim);
        if missing.contains(&claim) {
            refused(&identity, &format!("no {claim}"), &realm.key.sign(&bad)).await;
        }
    }
    let mut nobody = good.clone();
    for named in ["sub", "sid"] {
        nobody.as_object_mut().unwrap().remove(named);
    }
    refused(&identity, "neither", &realm.key.sign(&nobody)).await;
    for typ in ["at+jwt", "id_token", "application/at+jwt"] {
        let mut header = realm.key.header();
        header["typ"] = json!(typ);
        refused(&identity, typ, &realm.key.sign_with(&header, &good)).await;
    }
    assert!(session(&identity, &main).await.is_some());
    // And the good one, by its full media type, still works, once.
    let mut header = realm.key.header();
    header["typ"] = json!("application/logout+JWT");
    let token = realm.key.sign_with(&header, &good);
    assert_eq!(
        identity
            .back_channel_logout(&token, &origin())
            .await
            .unwrap(),
        1
    );
    assert!(session(&identity, &main).await.is_none());
    refused(&identity, "the same id again", &realm.key.sign(&good)).await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn many_at_once_count_once(pool: PgPool) {
    let realm = realm().await;
    let replicas = [realm.service(&pool), realm.service(&pool)];
    let someone = realm.someone(&[]).await;
    let main = realm.sign_in(&replicas[0], &someone).await;
    let sid = sid(&pool, &session(&replicas[0], &main).await.unwrap()).await;
    let token = realm.key.sign(&claims(&realm, &someone.id, &sid));
    let from = origin();
    let calls = (0..20).map(|n| replicas[n % 2].back_channel_logout(&token, &from));
    let answers = futures::future::join_all(calls).await;
    let ended: Vec<_> = answers.iter().filter_map(|it| it.as_ref().ok()).collect();
    assert_eq!(ended, [&1]);
    assert_eq!(audited(&pool, "session.end").await, 1);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_refresh_of_what_keycloak_ended_brings_nothing_back(pool: PgPool) {
    let realm = realm().await;
    let identity = realm.service(&pool);
    let someone = realm.someone(&[]).await;
    let main = realm.sign_in(&identity, &someone).await;
    let sid = sid(&pool, &session(&identity, &main).await.unwrap()).await;
    age(&sid, 61).await;
    let token = realm.key.sign(&claims(&realm, &someone.id, &sid));
    // The refresh is under way when the word comes: it holds its lock.
    let asking = tokio::spawn({
        let (identity, main) = (identity.clone(), main.token.clone());
        async move { identity.session(&main, &host()).await.is_ok() }
    });
    let mut redis = redis().await;
    let lock = format!("onelastai:keycloak:{sid}:lock");
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let held: bool = redis::cmd("EXISTS")
            .arg(&lock)
            .query_async(&mut redis)
            .await
            .unwrap();
        if held {
            break;
        }
        assert!(
            Instant::now() < until && !asking.is_finished(),
            "the refresh was not seen"
        );
    }
    let ended = identity.back_channel_logout(&token, &origin()).await;
    assert_eq!(ended.unwrap(), 1);
    let until = Instant::now() + Duration::from_secs(10);
    while realm.events("REFRESH_TOKEN", &someone.id).await == 0 {
        assert!(Instant::now() < until, "there was no refresh");
    }
    // For as long as its result could take to come in.
    let until = Instant::now() + Duration::from_secs(1);
    while Instant::now() < until {
        let back: bool = redis::cmd("EXISTS")
            .arg(format!("onelastai:keycloak:{sid}"))
            .query_async(&mut redis)
            .await
            .unwrap();
        assert!(!back && session(&identity, &main).await.is_none());
    }
}
