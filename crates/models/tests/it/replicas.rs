//! What is changed at one server holds at all of them.

use onelastai_db::{MIGRATOR, PgPool};
use onelastai_models::{KeyChange, ModelDraft, parse_instances};

use crate::fixture::{Redis, draft, eventually, models, operator};

fn names(list: &[(&str, usize)]) -> Vec<(String, usize)> {
    list.iter()
        .map(|(id, count)| ((*id).to_owned(), *count))
        .collect()
}

#[sqlx::test(migrator = "MIGRATOR")]
async fn a_change_reaches_the_other_server(pool: PgPool) {
    let redis = Redis::start().await;
    let (here, _) = redis.server(&pool, None);
    let (there, router) = redis.server(&pool, None);
    let following = tokio::spawn(async move { there.follow().await });
    let has = async |what: &str, list: &[(&str, usize)]| {
        let wanted = names(list);
        eventually(what, || async { models(&router) == wanted }).await;
    };

    let added = draft("third", "http://127.0.0.1:3\nhttp://127.0.0.1:4;slots=9");
    here.add(&operator(), added.clone(), KeyChange::Keep)
        .await
        .unwrap();
    has(
        "a model that was added",
        &[("first", 1), ("second", 1), ("third", 2)],
    )
    .await;
    assert_eq!(router.models()[2].instances[1].slots, 9);

    let first = here.find("first").await.unwrap().unwrap();
    let more = ModelDraft {
        instances: parse_instances("http://127.0.0.1:1\nhttp://127.0.0.1:5", 4).unwrap(),
        ..first.draft
    };
    here.change(&operator(), 0, more, KeyChange::Keep)
        .await
        .unwrap();
    has(
        "one of the settings, changed",
        &[("first", 2), ("second", 1), ("third", 2)],
    )
    .await;
    let url = router.models()[0].instances[0].url.clone();
    assert_eq!(
        url.password(),
        Some("canary"),
        "what only the settings know stays"
    );

    let off = ModelDraft {
        enabled: false,
        ..here.find("second").await.unwrap().unwrap().draft
    };
    here.change(&operator(), 0, off, KeyChange::Keep)
        .await
        .unwrap();
    has(
        "a model that was switched off",
        &[("first", 2), ("third", 2)],
    )
    .await;

    let drained = async |on: bool| {
        here.drain(&operator(), "third", "http://127.0.0.1:4/", on)
            .await
            .unwrap();
        eventually("drained or not", || async {
            let states = router.snapshot();
            states
                .iter()
                .all(|it| it.draining == (on && it.instance.port() == Some(4)))
        })
        .await;
    };
    drained(true).await;
    drained(false).await;

    here.remove(&operator(), "third").await.unwrap();
    has("a model that was removed", &[("first", 2)]).await;
    here.restore(&operator(), "third").await.unwrap();
    has("a model that came back", &[("first", 2), ("third", 2)]).await;
    here.remove(&operator(), "first").await.unwrap();
    has("one as the settings say", &[("first", 1), ("third", 2)]).await;
    following.abort();
}

#[sqlx::test(migrator = "MIGRATOR")]
async fn what_was_missed_is_read_when_redis_is_back(pool: PgPool) {
    let mut redis = Redis::start().await;
    let (here, mine) = redis.server(&pool, None);
    let (there, router) = redis.server(&pool, None);
    let following = tokio::spawn(async move { there.follow().await });
    here.add(
        &operator(),
        draft("third", "http://127.0.0.1:3"),
        KeyChange::Keep,
    )
    .await
    .unwrap();
    eventually("it listens", || async { models(&router).len() == 3 }).await;

    redis.kill();
    here.add(
        &operator(),
        draft("fourth", "http://127.0.0.1:4"),
        KeyChange::Keep,
    )
    .await
    .unwrap();
    assert_eq!(models(&mine).len(), 4, "here it holds at once");
    assert_eq!(models(&router).len(), 3);
    redis.run().await;
    eventually("the other server hears of it", || async {
        models(&router).len() == 4
    })
    .await;
    following.abort();
}

#[sqlx::test(migrator = "MIGRATOR")]
async fn a_new_server_begins_with_what_is_stored(pool: PgPool) {
    let redis = Redis::start().await;
    let (before, _) = redis.server(&pool, None);
    before
        .add(
            &operator(),
            draft("third", "http://127.0.0.1:3"),
            KeyChange::Keep,
        )
        .await
        .unwrap();
    before
        .drain(&operator(), "second", "http://127.0.0.1:2", true)
        .await
        .unwrap();

    let (after, router) = redis.server(&pool, None);
    assert_eq!(models(&router).len(), 2, "the settings' models work before");
    assert!(after.reload().await.unwrap());
    assert_eq!(models(&router).len(), 3);
    let draining: Vec<_> = router
        .snapshot()
        .into_iter()
        .map(|it| it.draining)
        .collect();
    assert_eq!(draining, [false, true, false]);
    assert!(!after.reload().await.unwrap(), "nothing changed in between");
}

#[sqlx::test(migrator = "MIGRATOR")]
async fn what_was_added_is_looked_at_at_once(pool: PgPool) {
    let redis = Redis::start().await;
    let (here, mine) = redis.server(&pool, None);
    let (there, other) = redis.server(&pool, None);
    let following = tokio::spawn(async move { there.follow().await });
    here.add(
        &operator(),
        draft("third", "http://127.0.0.1:3"),
        KeyChange::Keep,
    )
    .await
    .unwrap();
    for router in [mine, other] {
        eventually("the instance was looked at", || async {
            let states = router.snapshot();
            let third = states.iter().find(|it| it.model_id == "third");
            third.is_some_and(|it| it.last_check.is_some())
        })
        .await;
    }
    following.abort();
}
