//! Making keys and seeing them.

use onelastai_access::{KeyDraft, KeyError, KeyState, KeyUse, MOST_KEYS, Scope, Scopes};
use onelastai_db::{Actor, Origin, PgPool, new_id};
use onelastai_types::AgentId;
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::fixture::{draft, keys_only, local_owner, permissions};

/// What the audit log has of keys, in order.
pub async fn audited(pool: &PgPool) -> Vec<(String, Value)> {
    sqlx::query_as(
        "SELECT action, changes FROM audit_logs WHERE target_type = 'api_keys' ORDER BY id",
    )
    .fetch_all(pool)
    .await
    .unwrap()
}

async fn agent(pool: &PgPool, owner: Uuid, visibility: &str, group: Option<&str>) -> AgentId {
    let id: AgentId = new_id();
    sqlx::query(
        "INSERT INTO agents (id, owner_id, slug, name, visibility, group_path)
         VALUES ($1, $2, $3, 'Agent', $4, $5)",
    )
    .bind(id.0)
    .bind(owner)
    .bind(format!("agent-{id}"))
    .bind(visibility)
    .bind(group)
    .execute(pool)
    .await
    .unwrap();
    id
}

fn fields(error: KeyError) -> Vec<&'static str> {
    match error {
        KeyError::Invalid(wrong) => wrong.into_iter().map(|error| error.field).collect(),
        other => panic!("{other:?}"),
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_key_is_kept_as_a_hash_and_its_making_in_the_log(pool: PgPool) {
    let access = keys_only(&pool);
    let owner = local_owner(&pool, "ann").await;
    let made = access
        .create(&owner, Uuid::now_v7(), draft("Laptop"))
        .await
        .unwrap();
    let text = made.key.expose();
    assert!(text.starts_with("ola_") && text.len() == 47, "{text}");
    let everything: String = sqlx::query_scalar(
        "SELECT (SELECT string_agg(k::text, ' ') FROM api_keys k)
             || (SELECT string_agg(a::text, ' ') FROM audit_logs a)",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert!(everything.contains(&text[..12]) && !everything.contains(&text[12..]));
    assert!(!format!("{made:?}").contains(&text[12..]));
    let log = audited(&pool).await;
    assert_eq!(log.len(), 1);
    assert_eq!(log[0].0, "key.created");
    assert_eq!(log[0].1["name"][1], "Laptop");
    assert_eq!(log[0].1["scopes"][1][0], "models.read");
    let listed = access.list(owner.user).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].prefix, &text[..12]);
    let now = OffsetDateTime::now_utc();
    assert_eq!(listed[0].state(now), KeyState::Good);
}

#[sqlx::test(migrations = "../../migrations")]
async fn nobody_makes_a_key_for_more_than_they_may_do(pool: PgPool) {
    let access = keys_only(&pool);
    let mut owner = local_owner(&pool, "ann").await;
    let stranger = local_owner(&pool, "bob").await;
    let wider = KeyDraft {
        scopes: Scopes::all(),
        ..draft("Wide")
    };
    let refused = access.create(&owner, Uuid::now_v7(), wider.clone()).await;
    assert_eq!(fields(refused.unwrap_err()), ["scopes"]);
    owner.groups = vec!["/research".to_owned()];
    let own = agent(&pool, owner.user.0, "private", None).await;
    let shared = agent(&pool, stranger.user.0, "signed_in", None).await;
    let group = agent(&pool, stranger.user.0, "group", Some("/research")).await;
    let private = agent(&pool, stranger.user.0, "private", None).await;
    let other_group = agent(&pool, stranger.user.0, "group", Some("/other")).await;
    let with = |agents: &[AgentId]| KeyDraft {
        agents: Some(agents.to_vec()),
        ..draft("Agents")
    };
    for bad in [&[own, private][..], &[other_group], &[new_id()]] {
        let refused = access.create(&owner, Uuid::now_v7(), with(bad)).await;
        assert_eq!(fields(refused.unwrap_err()), ["agents"]);
    }
    let all = with(&[own, shared, group]);
    let made = access.create(&owner, Uuid::now_v7(), all).await.unwrap();
    let agents = access.key(owner.user, made.id).await.unwrap().agents;
    assert_eq!(agents.unwrap().len(), 3);

    // Not without the permission, nor with a closed account.
    let mut without = owner.clone();
    without.permissions = permissions(&["chat.use", "operations.read"]);
    let refused = access.create(&without, Uuid::now_v7(), draft("No")).await;
    assert!(matches!(refused, Err(KeyError::NotAllowed)), "{refused:?}");
    sqlx::query("UPDATE users SET disabled_at = now() WHERE id = $1")
        .bind(owner.user.0)
        .execute(&pool)
        .await
        .unwrap();
    let refused = access.create(&owner, Uuid::now_v7(), draft("No")).await;
    assert!(matches!(refused, Err(KeyError::NotAllowed)), "{refused:?}");
    assert_eq!(audited(&pool).await.len(), 1);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_form_that_is_sent_twice_makes_one_key(pool: PgPool) {
    let access = keys_only(&pool);
    let owner = local_owner(&pool, "ann").await;
    let request = Uuid::now_v7();
    let tries = (0..8).map(|_| access.create(&owner, request, draft("Laptop")));
    let results = futures::future::join_all(tries).await;
    let made: Vec<_> = results.iter().filter_map(|it| it.as_ref().ok()).collect();
    assert_eq!(made.len(), 1);
    for other in results.iter().filter(|it| it.is_err()) {
        assert!(matches!(other, Err(KeyError::MadeAlready(id)) if *id == made[0].id));
    }
    // The same number in somebody else's form is another form.
    let bob = local_owner(&pool, "bob").await;
    assert!(access.create(&bob, request, draft("Bob's")).await.is_ok());
}

#[sqlx::test(migrations = "../../migrations")]
async fn there_is_an_end_to_how_many_keys_one_has(pool: PgPool) {
    let access = keys_only(&pool);
    let owner = local_owner(&pool, "ann").await;
    sqlx::query(
        "INSERT INTO api_keys (id, user_id, name, prefix, key_hash, scopes)
         SELECT gen_random_uuid(), $1, 'k', 'ola_', sha256(n::text::bytea), '{chat.write}'
         FROM generate_series(1, $2::bigint - 1) n",
    )
    .bind(owner.user.0)
    .bind(MOST_KEYS)
    .execute(&pool)
    .await
    .unwrap();
    let last = access.create(&owner, Uuid::now_v7(), draft("Last")).await;
    let last = last.unwrap();
    let refused = access.create(&owner, Uuid::now_v7(), draft("More")).await;
    assert!(
        matches!(refused, Err(KeyError::TooMany(MOST_KEYS))),
        "{refused:?}"
    );
    access.revoke(&owner, last.id).await.unwrap();
    assert!(
        access
            .create(&owner, Uuid::now_v7(), draft("Again"))
            .await
            .is_ok()
    );
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_stranger_finds_no_key(pool: PgPool) {
    let access = keys_only(&pool);
    let ann = local_owner(&pool, "ann").await;
    let bob = local_owner(&pool, "bob").await;
    let made = access
        .create(&ann, Uuid::now_v7(), draft("Laptop"))
        .await
        .unwrap();
    let seen = access.key(bob.user, made.id).await;
    assert!(matches!(seen, Err(KeyError::NotFound)), "{seen:?}");
    let revoked = access.revoke(&bob, made.id).await;
    assert!(matches!(revoked, Err(KeyError::NotFound)), "{revoked:?}");
    let overlap = onelastai_access::Overlap::None;
    let rotated = access.rotate(&bob, made.id, overlap).await;
    assert!(matches!(rotated, Err(KeyError::NotFound)), "{rotated:?}");
    assert!(access.list(bob.user).await.unwrap().is_empty());
    let now = OffsetDateTime::now_utc();
    let key = access.key(ann.user, made.id).await.unwrap();
    assert_eq!(key.state(now), KeyState::Good);
    assert_eq!(audited(&pool).await.len(), 1);
}

#[sqlx::test(migrations = "../../migrations")]
async fn taking_back_twice_is_once_in_the_log(pool: PgPool) {
    let access = keys_only(&pool);
    let owner = local_owner(&pool, "ann").await;
    let made = access
        .create(&owner, Uuid::now_v7(), draft("Laptop"))
        .await
        .unwrap();
    let (actor, origin) = (Actor::Program("test"), Origin::default());
    let (one, other) = tokio::join!(
        access.revoke(&owner, made.id),
        access.revoke_any(made.id, actor, &origin)
    );
    assert!(one.is_ok() && other.is_ok());
    access.revoke(&owner, made.id).await.unwrap();
    let log = audited(&pool).await;
    let actions: Vec<_> = log.iter().map(|(action, _)| action.as_str()).collect();
    assert_eq!(actions, ["key.created", "key.revoked"]);
    let key = access.key(owner.user, made.id).await.unwrap();
    assert_eq!(key.state(OffsetDateTime::now_utc()), KeyState::Revoked);
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_list_has_this_months_use_and_forgets_what_is_long_over(pool: PgPool) {
    let access = keys_only(&pool);
    let owner = local_owner(&pool, "ann").await;
    let made = access
        .create(&owner, Uuid::now_v7(), draft("Laptop"))
        .await
        .unwrap();
    let old = access
        .create(&owner, Uuid::now_v7(), draft("Old"))
        .await
        .unwrap();
    sqlx::query(
        "INSERT INTO api_key_usage
             (api_key_id, day, requests, prompt_tokens, completion_tokens, cost_micros)
         SELECT $1, d::date, 2, 30, 400, 5
         FROM unnest(ARRAY[
             date_trunc('month', now() AT TIME ZONE 'UTC'),
             date_trunc('month', now() AT TIME ZONE 'UTC') - interval '1 day'
         ]) d",
    )
    .bind(made.id.0)
    .execute(&pool)
    .await
    .unwrap();
    let key = access.key(owner.user, made.id).await.unwrap();
    let expected = KeyUse {
        requests: 2,
        prompt_tokens: 30,
        completion_tokens: 400,
        cost_micros: 5,
    };
    assert_eq!(key.this_month, expected);
    assert!(key.scopes.contains(Scope::ChatWrite));
    sqlx::query("UPDATE api_keys SET revoked_at = now() - interval '31 days' WHERE id = $1")
        .bind(old.id.0)
        .execute(&pool)
        .await
        .unwrap();
    let names: Vec<_> = access.list(owner.user).await.unwrap();
    assert_eq!(names.len(), 1);
    assert_eq!(names[0].id, made.id);
}
