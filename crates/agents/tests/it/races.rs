//! Several people at once. Each race is held at its narrowest place until everybody is
//! there, so it is one on every machine.

use std::time::Duration;

use onelastai_agents::{AgentDraft, EditError};
use onelastai_db::{PgPool, new_id};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use uuid::Uuid;

use crate::fixture::{draft, maker, refused, service};

/// How many race.
const RUNNERS: u32 = 20;

async fn wide_pool(options: PgConnectOptions) -> PgPool {
    PgPoolOptions::new()
        .max_connections(RUNNERS + 2)
        .connect_with(options)
        .await
        .unwrap()
}

/// Waits until so many statements in this database wait for a lock.
async fn until_blocked(pool: &PgPool, count: i64) {
    let blocked = async {
        loop {
            let waiting: i64 = sqlx::query_scalar(
                "SELECT count(*) FROM pg_stat_activity
                 WHERE datname = current_database() AND wait_event_type = 'Lock'",
            )
            .fetch_one(pool)
            .await
            .unwrap();
            if waiting >= count {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), blocked)
        .await
        .expect("they come to the lock");
}

#[sqlx::test(migrations = "../../migrations")]
async fn of_two_edits_at_once_one_is_a_conflict(_: PgPoolOptions, options: PgConnectOptions) {
    let pool = wide_pool(options).await;
    let agents = service(&pool);
    let who = maker(&pool, "ada").await;
    let id = agents.create(&who, draft("tutor")).await.unwrap();
    let mut gate = pool.begin().await.unwrap();
    sqlx::query("SELECT FROM agents FOR UPDATE")
        .execute(&mut *gate)
        .await
        .unwrap();
    let edits = ["One", "Two"].map(|name| {
        let (agents, who) = (agents.clone(), who.clone());
        let changed = AgentDraft {
            name: name.to_owned(),
            ..draft("tutor")
        };
        tokio::spawn(async move { agents.update(&who, id, 1, changed, None).await })
    });
    until_blocked(&pool, 2).await;
    gate.rollback().await.unwrap();

    let (mut won, mut lost) = (Vec::new(), Vec::new());
    for edit in edits {
        match edit.await.unwrap() {
            Ok(saved) => won.push(saved.version),
            Err(EditError::Conflict(newer)) => lost.push(*newer),
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!((won, lost.len()), (vec![2], 1));
    let kept = agents.editable(&who.viewer, "tutor").await.unwrap();
    assert_eq!((lost[0].version, &lost[0].draft), (2, &kept.draft));
    assert_eq!(agents.versions(&who.viewer, id).await.unwrap().len(), 2);
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_same_edit_twice_at_once_is_one(_: PgPoolOptions, options: PgConnectOptions) {
    let pool = wide_pool(options).await;
    let agents = service(&pool);
    let who = maker(&pool, "ada").await;
    let id = agents.create(&who, draft("tutor")).await.unwrap();
    let mut gate = pool.begin().await.unwrap();
    sqlx::query("SELECT FROM agents FOR UPDATE")
        .execute(&mut *gate)
        .await
        .unwrap();
    let edits = [(); 2].map(|()| {
        let (agents, who) = (agents.clone(), who.clone());
        let changed = AgentDraft {
            name: "Teacher".to_owned(),
            ..draft("tutor")
        };
        tokio::spawn(async move { agents.update(&who, id, 1, changed, None).await.unwrap() })
    });
    until_blocked(&pool, 2).await;
    gate.rollback().await.unwrap();
    let mut changed = Vec::new();
    for edit in edits {
        let saved = edit.await.unwrap();
        assert_eq!(saved.version, 2);
        changed.push(saved.changed);
    }
    changed.sort_unstable();
    assert_eq!(changed, [false, true]);
}

#[sqlx::test(migrations = "../../migrations")]
async fn of_twenty_that_want_one_address_one_gets_it(_: PgPoolOptions, options: PgConnectOptions) {
    let pool = wide_pool(options).await;
    let agents = service(&pool);
    let who = maker(&pool, "ada").await;
    // Somebody who has it and gives it up.
    let mut gate = pool.begin().await.unwrap();
    sqlx::query("INSERT INTO agents (id, slug, name) VALUES ($1, 'tutor', 'Gate')")
        .bind(new_id::<Uuid>())
        .execute(&mut *gate)
        .await
        .unwrap();
    let tasks: Vec<_> = (0..RUNNERS)
        .map(|_| {
            let (agents, who) = (agents.clone(), who.clone());
            tokio::spawn(async move { agents.create(&who, draft("tutor")).await })
        })
        .collect();
    until_blocked(&pool, i64::from(RUNNERS)).await;
    gate.rollback().await.unwrap();
    let mut made = Vec::new();
    for task in tasks {
        match task.await.unwrap() {
            Ok(id) => made.push(id),
            Err(error) => assert_eq!(refused::<()>(Err(error)), ["slug"]),
        }
    }
    assert_eq!(made.len(), 1);
    let kept = agents.editable(&who.viewer, "tutor").await.unwrap();
    assert_eq!((kept.id, kept.version), (made[0], 1));
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_new_address_can_be_lost_to_somebody_faster(_: PgPoolOptions, options: PgConnectOptions) {
    let pool = wide_pool(options).await;
    let agents = service(&pool);
    let who = maker(&pool, "ada").await;
    let id = agents.create(&who, draft("tutor")).await.unwrap();
    let mut gate = pool.begin().await.unwrap();
    sqlx::query("INSERT INTO agents (id, slug, name) VALUES ($1, 'teacher', 'Gate')")
        .bind(new_id::<Uuid>())
        .execute(&mut *gate)
        .await
        .unwrap();
    let edit = tokio::spawn({
        let (agents, who) = (agents.clone(), who.clone());
        async move { agents.update(&who, id, 1, draft("teacher"), None).await }
    });
    until_blocked(&pool, 1).await;
    gate.commit().await.unwrap();
    assert_eq!(refused(edit.await.unwrap()), ["slug"]);
    let kept = agents.editable(&who.viewer, "tutor").await.unwrap();
    assert_eq!(kept.version, 1);
}

#[sqlx::test(migrations = "../../migrations")]
async fn nobody_slips_into_an_address_while_it_is_given_up(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    let pool = wide_pool(options).await;
    let agents = service(&pool);
    let (ada, bob) = (maker(&pool, "ada").await, maker(&pool, "bob").await);
    let id = agents.create(&ada, draft("tutor")).await.unwrap();
    // Between the new address and the note of the old one: notes can be read, not written.
    let mut gate = pool.begin().await.unwrap();
    sqlx::query("LOCK TABLE agent_former_slugs IN SHARE MODE")
        .execute(&mut *gate)
        .await
        .unwrap();
    let rename = tokio::spawn({
        let agents = agents.clone();
        async move { agents.update(&ada, id, 1, draft("teacher"), None).await }
    });
    until_blocked(&pool, 1).await;
    let create = tokio::spawn({
        let agents = agents.clone();
        async move { agents.create(&bob, draft("tutor")).await }
    });
    until_blocked(&pool, 2).await;
    gate.rollback().await.unwrap();
    assert_eq!(rename.await.unwrap().unwrap().slug, "teacher");
    assert_eq!(refused(create.await.unwrap()), ["slug"]);
}

#[sqlx::test(migrations = "../../migrations")]
async fn copies_and_imports_at_once_all_get_an_address(
    _: PgPoolOptions,
    options: PgConnectOptions,
) {
    let pool = wide_pool(options).await;
    let agents = service(&pool);
    let who = maker(&pool, "ada").await;
    // More of them than the free plan has room for.
    let set = "UPDATE tier_limits SET max_agents = NULL";
    sqlx::query(set).execute(&pool).await.unwrap();
    let id = agents.create(&who, draft("tutor")).await.unwrap();
    let file = agents.export(&who, "tutor").await.unwrap();
    // Whoever makes the first ones is not done yet; what follows waits for each in turn.
    let mut gate = pool.begin().await.unwrap();
    for slug in ["tutor-copy", "tutor-2"] {
        sqlx::query("INSERT INTO agents (id, slug, name) VALUES ($1, $2, 'Gate')")
            .bind(new_id::<Uuid>())
            .bind(slug)
            .execute(&mut *gate)
            .await
            .unwrap();
    }
    let half = RUNNERS / 2;
    let tasks: Vec<_> = (0..half * 2)
        .map(|n| {
            let (agents, who, file) = (agents.clone(), who.clone(), file.clone());
            tokio::spawn(async move {
                if n < half {
                    agents.duplicate(&who, id).await.unwrap().slug
                } else {
                    agents.import(&who, &file).await.unwrap().slug
                }
            })
        })
        .collect();
    // The copies wait for one another at the original; one of them at the address.
    until_blocked(&pool, i64::from(half * 2)).await;
    gate.commit().await.unwrap();
    let mut slugs = Vec::new();
    for task in tasks {
        slugs.push(task.await.unwrap());
    }
    slugs.sort();
    let mut expected: Vec<_> = (0..half)
        .flat_map(|n| [format!("tutor-copy-{}", n + 2), format!("tutor-{}", n + 3)])
        .collect();
    expected.sort();
    assert_eq!(slugs, expected);
}
