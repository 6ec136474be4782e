//! Being let in, or not.

use onelastai_access::{AccessError, KeyDraft, Scope, Trust, network};
use onelastai_db::{Actor, Origin, PgPool};
use onelastai_identity::Secret;
use onelastai_types::{Money, Tier};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    fixture::{
        HERE, account, draft, let_in, listening, owner, refused, replica, service_with, settings,
        until, variable,
    },
    realm::{CLIENT, realm},
};

/// What is tried at every door: as a key, as the rest of one, and as a token.
const ATTACKS: &[&str] = &[
    "",
    " ",
    "'",
    "' OR '1'='1",
    "' OR 1=1 --",
    "'; DROP TABLE api_keys; --",
    "' UNION SELECT key_hash FROM api_keys --",
    "\\' OR 1=1 --",
    "1 OR pg_sleep(5)",
    "%27%20OR%201%3D1",
    "%",
    "_______________________________________________",
    "null",
    "undefined",
    "true",
    "[]",
    "{\"$ne\":null}",
    "../../etc/passwd",
    "${jndi:ldap://127.0.0.1/a}",
    "{{7*7}}",
    "\u{0}",
    "a\r\nX-Admin: 1",
    "\u{202e}ola_",
    "Bearer x",
    "Basic YWRtaW46YWRtaW4=",
    "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZG1pbiJ9.c2ln",
    "a.b.c",
    "...",
];

#[sqlx::test(migrations = "../../migrations")]
async fn a_key_lets_its_owner_in_and_nothing_else_does(pool: PgPool) {
    let realm = realm().await;
    let who = realm.someone(&[]).await;
    let redis = variable("REDIS_URL");
    let identity = service_with(pool.clone(), settings(&realm, None).await, &redis);
    let access = replica(&identity, &pool, &redis, Trust::default());
    let user = account(&pool, &realm.issuer(), &who.id, &who.username).await;
    sqlx::query("UPDATE users SET subscription_tier = 'pro'")
        .execute(&pool)
        .await
        .unwrap();
    let wanted = KeyDraft {
        requests_per_minute: Some(7),
        tokens_per_minute: Some(900),
        monthly_budget: Some(Money {
            minor: 250,
            currency: "EUR".parse().unwrap(),
        }),
        ..draft("Laptop")
    };
    let owner = owner(user, &who.username);
    let made = access.create(&owner, Uuid::now_v7(), wanted).await.unwrap();
    let_in(&access, &made.key).await;
    let caller = access.authenticate(made.key.expose(), HERE).await.unwrap();
    assert_eq!(
        (caller.user, caller.username.as_str(), caller.tier),
        (user, who.username.as_str(), Tier::Pro)
    );
    assert!(caller.may(Scope::ChatWrite) && !caller.may(Scope::ConversationsRead));
    let key = caller.key.as_ref().unwrap();
    assert_eq!((key.id, &*key.name), (made.id, "Laptop"));
    assert_eq!(key.requests_per_minute, Some(7));
    assert_eq!(key.tokens_per_minute, Some(900));
    let (micros, currency) = key.monthly_budget_micros.unwrap();
    assert_eq!((micros, currency.code()), (2_500_000, "EUR"));

    // Neither the beginning of a key nor one that is alike is the key.
    let text = made.key.expose();
    let last = if text.ends_with('A') { "B" } else { "A" };
    let alike = format!("{}{last}", &text[..text.len() - 1]);
    let upper = format!("ola_{}", text[4..].to_uppercase());
    for wrong in [&text[..12], &text[..46], &alike, &upper] {
        let refused = access.authenticate(wrong, HERE).await;
        assert!(matches!(refused, Err(AccessError::Unknown)), "{refused:?}");
    }
    for attack in ATTACKS {
        let padded: String = attack.chars().cycle().take(43).collect();
        for text in [
            (*attack).to_owned(),
            format!("ola_{attack}"),
            format!("ola_{padded}"),
            format!("{text}{attack} "),
            format!("ola_{}", "A".repeat(1_000_000)),
        ] {
            let refused = access.authenticate(&text, HERE).await;
            let error = refused.expect_err(attack);
            assert!(error.is_invalid(), "{attack}: {error:?}");
        }
    }
    let keys: i64 = sqlx::query_scalar("SELECT count(*) FROM api_keys")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(keys, 1);
    assert!(access.authenticate(text, HERE).await.is_ok());
}

#[sqlx::test(migrations = "../../migrations")]
async fn who_tries_many_keys_is_not_looked_for_any_more(pool: PgPool) {
    let realm = realm().await;
    let redis = variable("REDIS_URL");
    let identity = service_with(pool.clone(), settings(&realm, None).await, &redis);
    let access = replica(&identity, &pool, &redis, Trust::default());
    let who = realm.someone(&[]).await;
    let user = account(&pool, &realm.issuer(), &who.id, &who.username).await;
    let owner = owner(user, &who.username);
    let [known, other] = [draft("Known"), draft("Other")];
    let known = access.create(&owner, Uuid::now_v7(), known).await.unwrap();
    let other = access.create(&owner, Uuid::now_v7(), other).await.unwrap();
    let_in(&access, &known.key).await;

    let there = "198.51.100.7".parse().unwrap();
    assert!(access.authenticate(known.key.expose(), there).await.is_ok());
    let mut refused = None;
    for number in 0..100 {
        let wrong = format!("ola_{number:043}");
        refused = access.authenticate(&wrong, there).await.err();
        if !matches!(refused, Some(AccessError::Unknown)) {
            assert_eq!(number, 60, "{refused:?}");
            break;
        }
    }
    assert!(
        matches!(refused, Some(AccessError::TooManyTries { .. })),
        "{refused:?}"
    );
    // A key that is remembered costs nothing; one that is not is good from elsewhere.
    assert!(access.authenticate(known.key.expose(), there).await.is_ok());
    let waits = access.authenticate(other.key.expose(), there).await;
    assert!(matches!(waits, Err(AccessError::TooManyTries { .. })));
    assert!(access.authenticate(other.key.expose(), HERE).await.is_ok());
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_token_has_the_scopes_of_its_person(pool: PgPool) {
    let realm = realm().await;
    let redis = variable("REDIS_URL");
    let identity = service_with(pool.clone(), settings(&realm, None).await, &redis);
    let access = replica(&identity, &pool, &redis, Trust::default());
    for (roles, admin) in [(&[][..], false), (&["admin"][..], true)] {
        let who = realm.someone(roles).await;
        let tokens = realm.tokens(CLIENT, &who).await;
        let token = tokens["access_token"].as_str().unwrap();
        let caller = access.authenticate(token, HERE).await.unwrap();
        assert!(caller.key.is_none() && caller.username == who.username);
        assert!(caller.may(Scope::ConversationsWrite) && caller.may_use_bare_models());
        assert_eq!(caller.may(Scope::AdminRead), admin);
        // The other tokens of the same person are not for the API.
        for other in ["id_token", "refresh_token"] {
            let refused = access
                .authenticate(tokens[other].as_str().unwrap(), HERE)
                .await;
            assert!(refused.unwrap_err().is_invalid(), "{other}");
        }
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_key_is_for_its_networks_and_its_time(pool: PgPool) {
    let realm = realm().await;
    let who = realm.someone(&[]).await;
    let redis = variable("REDIS_URL");
    let identity = service_with(pool.clone(), settings(&realm, None).await, &redis);
    let access = replica(&identity, &pool, &redis, Trust::default());
    let user = account(&pool, &realm.issuer(), &who.id, &who.username).await;
    let owner = owner(user, &who.username);
    let networks = ["192.0.2.0/24", "2001:db8::/32"].map(|text| network(text).unwrap());
    let wanted = KeyDraft {
        networks: Some(networks.to_vec()),
        expires_at: Some(OffsetDateTime::now_utc() + time::Duration::hours(1)),
        ..draft("Office")
    };
    let made = access.create(&owner, Uuid::now_v7(), wanted).await.unwrap();
    let office = "192.0.2.1".parse().unwrap();
    until("is let in", async || {
        access.authenticate(made.key.expose(), office).await.is_ok()
    })
    .await;
    for address in ["192.0.2.9", "::ffff:192.0.2.9", "2001:db8:1::1"] {
        let let_in = access
            .authenticate(made.key.expose(), address.parse().unwrap())
            .await;
        assert!(let_in.is_ok(), "{address}: {let_in:?}");
    }
    for address in [
        "192.0.3.9",
        "::ffff:192.0.3.9",
        "2001:db9::1",
        "127.0.0.1",
        "::1",
    ] {
        let refused = access
            .authenticate(made.key.expose(), address.parse().unwrap())
            .await;
        assert!(
            matches!(refused, Err(AccessError::NetworkNotAllowed)),
            "{address}: {refused:?}"
        );
    }
    // Another replica, which has not seen it yet, an hour later.
    sqlx::query("UPDATE api_keys SET expires_at = now()")
        .execute(&pool)
        .await
        .unwrap();
    let other = replica(&identity, &pool, &redis, Trust::default());
    let late = refused(&other, &made.key).await;
    assert!(matches!(late, Some(AccessError::Expired)), "{late:?}");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_closed_account_has_no_key_at_once(pool: PgPool) {
    let realm = realm().await;
    let who = realm.someone(&[]).await;
    let redis = variable("REDIS_URL");
    let identity = service_with(pool.clone(), settings(&realm, None).await, &redis);
    let access = replica(&identity, &pool, &redis, Trust::default());
    listening(&access).await;
    let user = account(&pool, &realm.issuer(), &who.id, &who.username).await;
    let made = access
        .create(&owner(user, &who.username), Uuid::now_v7(), draft("Laptop"))
        .await
        .unwrap();
    let_in(&access, &made.key).await;
    let actor = Actor::Program("test");
    identity
        .disable_user(user, actor.clone(), &Origin::default())
        .await
        .unwrap();
    until("is refused", async || {
        matches!(
            refused(&access, &made.key).await,
            Some(AccessError::Disabled)
        )
    })
    .await;
    identity
        .enable_user(user, actor, &Origin::default())
        .await
        .unwrap();
    until("is let in again", async || {
        refused(&access, &made.key).await.is_none()
    })
    .await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn that_a_key_was_used_is_noted_once_a_minute(pool: PgPool) {
    let realm = realm().await;
    let who = realm.someone(&[]).await;
    let redis = variable("REDIS_URL");
    let identity = service_with(pool.clone(), settings(&realm, None).await, &redis);
    let access = replica(&identity, &pool, &redis, Trust::default());
    listening(&access).await;
    let user = account(&pool, &realm.issuer(), &who.id, &who.username).await;
    let made = access
        .create(&owner(user, &who.username), Uuid::now_v7(), draft("Laptop"))
        .await
        .unwrap();
    let used = || async {
        access.note_uses().await.unwrap();
        access.key(user, made.id).await.unwrap().last_used_at
    };
    assert_eq!(used().await, None);
    assert!(refused(&access, &Secret::random()).await.is_some());
    let_in(&access, &made.key).await;
    until("is noted", async || used().await.is_some()).await;
    let first = used().await;
    for _ in 0..100 {
        assert!(refused(&access, &made.key).await.is_none());
    }
    assert_eq!(used().await, first);
}
