//! A key that takes another's place.

use onelastai_access::{KeyDraft, KeyError, KeyState, Overlap, Scope, Scopes, network};
use onelastai_db::PgPool;
use onelastai_types::Money;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::{
    fixture::{draft, keys_only, local_owner, permissions},
    managing::audited,
};

#[sqlx::test(migrations = "../../migrations")]
async fn the_new_key_is_as_the_old_one_and_both_are_good_for_a_while(pool: PgPool) {
    let access = keys_only(&pool);
    let owner = local_owner(&pool, "ann").await;
    let wanted = KeyDraft {
        networks: Some(vec![network("192.0.2.0/24").unwrap()]),
        requests_per_minute: Some(5),
        monthly_budget: Some(Money {
            minor: 100,
            currency: "EUR".parse().unwrap(),
        }),
        expires_at: Some(OffsetDateTime::now_utc() + Duration::days(30)),
        ..draft("Laptop")
    };
    let old = access.create(&owner, Uuid::now_v7(), wanted).await.unwrap();
    // Ten days later.
    sqlx::query(
        "UPDATE api_keys SET created_at = created_at - interval '10 days',
                             expires_at = expires_at - interval '10 days'",
    )
    .execute(&pool)
    .await
    .unwrap();
    let new = access.rotate(&owner, old.id, Overlap::Day).await.unwrap();
    assert_ne!(new.key.expose(), old.key.expose());
    let now = OffsetDateTime::now_utc();
    let (was, is) = (
        access.key(owner.user, old.id).await.unwrap(),
        access.key(owner.user, new.id).await.unwrap(),
    );
    let KeyState::Overlapping(until) = was.state(now) else {
        panic!("{was:?}");
    };
    assert!((until - now - Duration::days(1)).abs() < Duration::minutes(1));
    assert_eq!(was.replaced_by, Some(new.id));
    assert_eq!(was.state(until), KeyState::Replaced);
    assert_eq!(is.state(now), KeyState::Good);
    let life = is.expires_at.unwrap() - now;
    assert!((life - Duration::days(30)).abs() < Duration::minutes(1));
    assert_eq!(
        (
            is.name,
            is.scopes,
            is.networks,
            is.requests_per_minute,
            is.monthly_budget
        ),
        (
            was.name,
            was.scopes,
            was.networks,
            was.requests_per_minute,
            was.monthly_budget
        )
    );
    let again = access.rotate(&owner, old.id, Overlap::None).await;
    assert!(
        matches!(again, Err(KeyError::Replaced(id)) if id == new.id),
        "{again:?}"
    );
    let log = audited(&pool).await;
    assert_eq!(log[1].0, "key.rotated");
    assert_eq!(log[1].1["replaced_by"][1], new.id.to_string());
    assert!(!log[1].1.to_string().contains(&new.key.expose()[12..]));
}

#[sqlx::test(migrations = "../../migrations")]
async fn without_overlap_the_old_key_ends_now(pool: PgPool) {
    let access = keys_only(&pool);
    let owner = local_owner(&pool, "ann").await;
    let old = access
        .create(&owner, Uuid::now_v7(), draft("Laptop"))
        .await
        .unwrap();
    let new = access.rotate(&owner, old.id, Overlap::None).await.unwrap();
    assert_eq!(new.expires_at, None);
    let was = access.key(owner.user, old.id).await.unwrap();
    assert!(!was.is_good(OffsetDateTime::now_utc()));
    // What has ended can't be replaced.
    access.revoke(&owner, new.id).await.unwrap();
    let ended = access.rotate(&owner, new.id, Overlap::Hour).await;
    assert!(matches!(ended, Err(KeyError::Ended)), "{ended:?}");
}

#[sqlx::test(migrations = "../../migrations")]
async fn two_at_once_make_one_new_key(pool: PgPool) {
    let access = keys_only(&pool);
    let owner = local_owner(&pool, "ann").await;
    let old = access
        .create(&owner, Uuid::now_v7(), draft("Laptop"))
        .await
        .unwrap();
    let tries = (0..8).map(|_| access.rotate(&owner, old.id, Overlap::Hour));
    let results = futures::future::join_all(tries).await;
    assert_eq!(results.iter().filter(|it| it.is_ok()).count(), 1);
    assert_eq!(access.list(owner.user).await.unwrap().len(), 2);
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_new_key_has_no_scope_that_its_owner_lost(pool: PgPool) {
    let access = keys_only(&pool);
    let mut owner = local_owner(&pool, "ann").await;
    owner.permissions = permissions(&["chat.use", "keys.manage_own", "operations.read"]);
    let wide = KeyDraft {
        scopes: Scopes::all(),
        ..draft("Wide")
    };
    let admin_only = KeyDraft {
        scopes: Scopes::from_iter([Scope::AdminRead]),
        ..draft("Admin")
    };
    let wide = access.create(&owner, Uuid::now_v7(), wide).await.unwrap();
    let admin_only = access
        .create(&owner, Uuid::now_v7(), admin_only)
        .await
        .unwrap();
    owner.permissions = permissions(&["chat.use", "keys.manage_own"]);
    let new = access.rotate(&owner, wide.id, Overlap::Week).await.unwrap();
    assert!(new.scopes.contains(Scope::ChatWrite) && !new.scopes.contains(Scope::AdminRead));
    let kept = access.key(owner.user, new.id).await.unwrap();
    assert_eq!(kept.scopes, new.scopes);
    let refused = access.rotate(&owner, admin_only.id, Overlap::Week).await;
    assert!(matches!(refused, Err(KeyError::Invalid(_))), "{refused:?}");
}
