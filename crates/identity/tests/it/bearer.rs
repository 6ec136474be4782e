//! Access tokens that programs bring along.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use onelastai_db::{Origin, PgPool};
use onelastai_identity::{IdentityError, IdentityService, Permission};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::{
    keys,
    realm::{CLIENT, Realm, administrator, realm, session, sid},
    service_with, variable,
};

async fn refused(identity: &IdentityService, what: &str, token: &str) {
    let answer = identity.bearer(token).await;
    assert!(
        matches!(answer, Err(IdentityError::Unverified(_))),
        "{what}: {answer:?}"
    );
}

fn text(tokens: &Value, field: &str) -> String {
    tokens[field].as_str().unwrap().to_owned()
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_access_token_speaks_for_its_person(pool: PgPool) {
    let realm = realm().await;
    let identity = realm.service(&pool);
    let (one, other) = (realm.someone(&["auditor"]).await, realm.someone(&[]).await);
    let token = text(&realm.tokens(CLIENT, &one).await, "access_token");
    let bearer = identity.bearer(&token).await.unwrap();
    assert_eq!(bearer.username, one.username);
    assert_eq!(bearer.client.as_deref(), Some(CLIENT));
    assert!(bearer.may(Permission::AuditRead) && bearer.may(Permission::ChatUse));
    assert!(!bearer.may(Permission::UsersManage));
    // The same person in a browser is the same account; another's token never is.
    let signed_in = realm.sign_in(&identity, &one).await;
    assert_eq!(
        session(&identity, &signed_in).await.unwrap().user,
        bearer.user
    );
    let others = text(&realm.tokens(CLIENT, &other).await, "access_token");
    assert_eq!(token[..40], others[..40]);
    let others = identity.bearer(&others).await.unwrap();
    assert!(others.user != bearer.user && !others.may(Permission::AuditRead));
    assert_eq!(identity.bearer(&token).await.unwrap().user, bearer.user);

    let admin = onelastai_db::Actor::Program("test");
    identity
        .disable_user(bearer.user, admin, &Origin::default())
        .await
        .unwrap();
    let closed = identity.bearer(&token).await;
    assert!(matches!(closed, Err(IdentityError::Disabled)), "{closed:?}");
}

#[sqlx::test(migrations = "../../migrations")]
async fn first_calls_at_once_make_one_account_and_no_admin(pool: PgPool) {
    let realm = realm().await;
    let identity = realm.service(&pool);
    let someone = realm.someone(&[]).await;
    let token = text(&realm.tokens(CLIENT, &someone).await, "access_token");
    let calls = (0..50).map(|_| identity.bearer(&token));
    for bearer in futures::future::join_all(calls).await {
        assert!(!bearer.unwrap().may(Permission::UsersManage));
    }
    let users: i64 = sqlx::query_scalar("SELECT count(*) FROM users")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(users, 1);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_token_that_the_realm_did_not_sign_is_refused(pool: PgPool) {
    let realm = realm().await;
    let identity = realm.service(&pool);
    let someone = realm.someone(&[]).await;
    let token = text(&realm.tokens(CLIENT, &someone).await, "access_token");
    let claims = keys::claims(&token);
    identity.bearer(&realm.key.sign(&claims)).await.unwrap();
    for (what, token) in realm.key.badly_signed(&claims) {
        refused(&identity, what, &token).await;
    }
    refused(&identity, "another realm's token", &administrator().await).await;
    let users: i64 = sqlx::query_scalar("SELECT count(*) FROM users")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(users, 1);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_token_with_wrong_claims_is_refused(pool: PgPool) {
    let realm = realm().await;
    let identity = realm.service(&pool);
    let someone = realm.someone(&[]).await;
    let tokens = realm.tokens(CLIENT, &someone).await;
    for other in ["id_token", "refresh_token"] {
        refused(&identity, other, &text(&tokens, other)).await;
    }
    let good = keys::claims(&text(&tokens, "access_token"));
    let exp = good["exp"].as_i64().unwrap();
    let absent = || Value::Null;
    for (claim, values) in [
        (
            "exp",
            vec![
                json!(exp.to_string()),
                json!(1),
                json!(exp as f64 + 0.5),
                json!([exp]),
                json!(true),
                json!(-1),
                json!(u64::MAX),
            ],
        ),
        ("iat", vec![json!("1"), json!(exp + 86_400), json!({})]),
        ("nbf", vec![json!("1"), json!(exp + 86_400), json!({})]),
        (
            "aud",
            vec![
                json!("account"),
                json!([]),
                json!(["onelastai-web"]),
                json!("onelastai-api-2"),
                json!(1),
            ],
        ),
        (
            "iss",
            vec![
                json!("https://evil.example/realms/x"),
                json!(format!("{}/", realm.issuer())),
                json!([realm.issuer()]),
            ],
        ),
        (
            "typ",
            vec![
                json!("ID"),
                json!("Refresh"),
                json!("Logout"),
                json!("bearer"),
                json!(["Bearer"]),
            ],
        ),
        ("sub", vec![json!(""), json!(7)]),
    ] {
        for value in values {
            let mut claims = good.clone();
            claims[claim] = value.clone();
            refused(
                &identity,
                &format!("{claim} {value}"),
                &realm.key.sign(&claims),
            )
            .await;
        }
        let mut claims = good.clone();
        claims[claim] = absent();
        refused(
            &identity,
            &format!("{claim} null"),
            &realm.key.sign(&claims),
        )
        .await;
        claims.as_object_mut().unwrap().remove(claim);
        let token = realm.key.sign(&claims);
        if claim == "nbf" {
            identity.bearer(&token).await.unwrap();
        } else {
            refused(&identity, &format!("no {claim}"), &token).await;
        }
    }
    let mut header = realm.key.header();
    header["typ"] = json!("logout+jwt");
    refused(&identity, "header", &realm.key.sign_with(&header, &good)).await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn another_client_needs_the_audience(pool: PgPool) {
    let realm = realm().await;
    let identity = realm.service(&pool);
    let someone = realm.someone(&[]).await;
    // Without our mappers.
    realm.copy_client("without-audience", |_| {}).await;
    let tokens = realm.tokens("without-audience", &someone).await;
    refused(&identity, "no audience", &text(&tokens, "access_token")).await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_token_is_no_good_once_its_session_has_ended(pool: PgPool) {
    let realm = realm().await;
    let identity = realm.service(&pool);
    let someone = realm.someone(&[]).await;
    let signed_in = realm.sign_in(&identity, &someone).await;
    let sid = sid(&pool, &session(&identity, &signed_in).await.unwrap()).await;
    let token = text(&realm.tokens(CLIENT, &someone).await, "access_token");
    let mut claims = keys::claims(&token);
    claims["sid"] = json!(sid);
    let token = realm.key.sign(&claims);
    identity.bearer(&token).await.unwrap();
    identity
        .sign_out(&signed_in.token, &Origin::default())
        .await
        .unwrap();
    refused(&identity, "signed out", &token).await;
}

/// A client like ours whose access tokens are signed by another algorithm.
async fn client_signing_with(realm: &Realm, algorithm: &str) -> String {
    let name = format!("with-{}", algorithm.to_lowercase());
    realm
        .copy_client(&name, |client| {
            client["attributes"]["access.token.signed.response.alg"] = json!(algorithm);
            client["protocolMappers"] = json!([{
                "name": "audience", "protocol": "openid-connect",
                "protocolMapper": "oidc-audience-mapper",
                "config": {
                    "included.custom.audience": onelastai_identity::API_AUDIENCE,
                    "access.token.claim": "true"
                }
            }]);
        })
        .await;
    name
}

#[sqlx::test(migrations = "../../migrations")]
async fn es256_is_taken_too(pool: PgPool) {
    let realm = realm().await;
    let identity = realm.service(&pool);
    let someone = realm.someone(&[]).await;
    let client = client_signing_with(&realm, "ES256").await;
    let token = text(&realm.tokens(&client, &someone).await, "access_token");
    let bearer = identity.bearer(&token).await.unwrap();
    assert_eq!(bearer.username, someone.username);
    let (text, _) = token.rsplit_once('.').unwrap();
    let another = keys::encode([1; 64]);
    refused(&identity, "another signature", &format!("{text}.{another}")).await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_new_key_of_the_realm_is_found(pool: PgPool) {
    let realm = realm().await;
    let identity = realm.service(&pool);
    let someone = realm.someone(&[]).await;
    let token = text(&realm.tokens(CLIENT, &someone).await, "access_token");
    identity.bearer(&token).await.unwrap();
    // Keycloak makes the key when it first needs it, after we have looked.
    let client = client_signing_with(&realm, "PS256").await;
    let token = text(&realm.tokens(&client, &someone).await, "access_token");
    let until = Instant::now() + Duration::from_secs(20);
    while let Err(error) = identity.bearer(&token).await {
        // Too soon to look again.
        assert!(matches!(error, IdentityError::Unverified(_)), "{error:?}");
        assert!(Instant::now() < until, "the key was never looked up");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn made_up_keys_do_not_make_us_flood_keycloak(pool: PgPool) {
    let (url, asked) = counting_issuer().await;
    let realm = realm().await;
    let mut settings = realm.settings();
    settings.url = url.parse().unwrap();
    let identity = service_with(pool, settings, &variable("REDIS_URL"));
    let tokens: Vec<_> = (0..100)
        .map(|n| {
            let mut header = realm.key.header();
            header["kid"] = json!(format!("made-up-{n}"));
            realm.key.sign_with(&header, &json!({}))
        })
        .collect();
    let calls = tokens.iter().map(|token| identity.bearer(token));
    for answer in futures::future::join_all(calls).await {
        assert!(
            matches!(answer, Err(IdentityError::Unverified(_))),
            "{answer:?}"
        );
    }
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

/// An issuer without keys that counts how often it is asked for them.
async fn counting_issuer() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let (count, base) = (asked.clone(), url.clone());
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut read = vec![0; 8192];
            let length = stream.read(&mut read).await.unwrap();
            let request = String::from_utf8_lossy(&read[..length]).into_owned();
            let path = request.split(' ').nth(1).unwrap_or_default();
            let body = if let Some(issuer) = path.strip_suffix("/.well-known/openid-configuration")
            {
                let issuer = format!("{base}{issuer}");
                json!({
                    "issuer": issuer, "jwks_uri": format!("{issuer}/certs"),
                    "authorization_endpoint": format!("{issuer}/auth"),
                    "token_endpoint": format!("{issuer}/token"),
                    "response_types_supported": ["code"],
                    "subject_types_supported": ["public"],
                    "id_token_signing_alg_values_supported": ["RS256"]
                })
            } else {
                count.fetch_add(1, Ordering::Relaxed);
                json!({ "keys": [] })
            };
            let body = body.to_string();
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
                 connection: close\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (url, asked)
}
