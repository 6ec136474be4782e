//! Several servers, one PostgreSQL, one Redis.

use std::{sync::Arc, time::Duration};

use onelastai_chat::{Caller, ChatService, ChatSettings, Log, Sent};
use onelastai_db::PgPool;
use onelastai_types::StreamEvent;

use crate::{
    fixture::{
        ask, log, person, read_all, read_until, replica, router, settings, settled, text, variable,
    },
    model::{End, Model},
};

#[sqlx::test(migrations = "../../migrations")]
async fn any_replica_shows_exactly_the_same_events(pool: PgPool) {
    let model = Model::start(40, End::Done).await;
    let here = replica(&pool, router("m", model.url.clone()), settings()).await;
    let there = replica(&pool, router("m", model.url.clone()), settings()).await;
    let who = person(&pool, "ada").await;
    let sent = ask(&here, &who, "Tell me.").await;
    let local = log(&here, &who, sent.generation).await;
    model.say(10);
    read_until(&local, |events| text(events).ends_with("t9 ")).await;

    // A reader that comes to the other replica in the middle.
    let remote = log(&there, &who, sent.generation).await;
    let early = read_until(&remote, |events| text(events).ends_with("t9 ")).await;
    model.say_all();
    let (all, elsewhere) = tokio::join!(read_all(&local), read_all(&remote));
    assert_eq!(all, elsewhere);
    assert_eq!(all[..early.len()], early);
    assert_eq!(
        text(&all),
        (0..40).map(|n| format!("t{n} ")).collect::<String>()
    );
    // A page that is made at yet another one shows at once what there is.
    let third = replica(&pool, router("m", model.url.clone()), settings()).await;
    let page = log(&third, &who, sent.generation).await.peek(0);
    assert_eq!(page[..early.len()], early);
    // And one that comes with a number gets the rest of it.
    assert_eq!(remote.peek(early.len() as u64), all[early.len()..]);
    // After the end, a replica that never saw it still has it.
    let late = replica(&pool, router("m", model.url.clone()), settings()).await;
    assert_eq!(
        read_all(&*log(&late, &who, sent.generation).await).await,
        all
    );
}

/// As when Redis started anew without its last seconds.
async fn forget_events(sent: &Sent) {
    let client = redis::Client::open(variable("REDIS_URL")).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let generation = sent.generation;
    let deleted: i64 = redis::cmd("DEL")
        .arg(format!("onelastai:generation:{{{generation}}}:events"))
        .query_async(&mut connection)
        .await
        .unwrap();
    assert_eq!(deleted, 1);
}

/// The log at `chat`, as soon as it has `wanted`.
async fn log_with(chat: &ChatService, who: &Caller, sent: &Sent, wanted: &str) -> Arc<Log> {
    let looking = async {
        loop {
            let log = chat.log(who.user, sent.generation).await.unwrap();
            if let Some(log) = log.filter(|log| text(&log.peek(0)) == wanted) {
                return log;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), looking)
        .await
        .expect("the events are there in time")
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_redis_lost_of_an_answer_is_written_there_again(pool: PgPool) {
    let model = Model::start(10, End::Done).await;
    let here = replica(&pool, router("m", model.url.clone()), settings()).await;
    let there = replica(&pool, router("m", model.url.clone()), settings()).await;
    let who = person(&pool, "ada").await;
    let sent = ask(&here, &who, "Tell me.").await;
    let local = log(&here, &who, sent.generation).await;
    model.say(3);
    read_until(&local, |events| text(events) == "t0 t1 t2 ").await;
    let reader = log_with(&there, &who, &sent, "t0 t1 t2 ").await;

    forget_events(&sent).await;
    // Whoever reads there doesn't wait for what may never come.
    assert_eq!(text(&read_all(&reader).await), "t0 t1 t2 ");
    assert!(reader.is_closed());
    let gone = there.log(who.user, sent.generation).await.unwrap();
    assert!(gone.is_none());

    model.say(1);
    let again = log_with(&there, &who, &sent, "t0 t1 t2 t3 ").await;
    model.say_all();
    let (all, elsewhere) = tokio::join!(read_all(&local), read_all(&again));
    assert_eq!(all, elsewhere);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_stop_at_another_replica_reaches_the_model(pool: PgPool) {
    let model = Model::start(100, End::Done).await;
    let here = replica(&pool, router("m", model.url.clone()), settings()).await;
    let there = replica(&pool, router("m", model.url.clone()), settings()).await;
    let who = person(&pool, "ada").await;
    let sent = ask(&here, &who, "Tell me.").await;
    model.say(1);
    let local = log(&here, &who, sent.generation).await;
    read_until(&local, |events| text(events) == "t0 ").await;
    there.stop(who.user, sent.generation).await.unwrap();
    tokio::time::timeout(Duration::from_secs(10), model.is_left_alone())
        .await
        .expect("a stop");
    read_all(&local).await;
    assert_eq!(
        settled(&pool, &sent).await,
        ("stopped".to_owned(), "t0 ".to_owned(), 1)
    );
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_answer_of_a_lost_server_is_settled_and_its_return_changes_nothing(pool: PgPool) {
    let model = Model::start(100, End::Done).await;
    // A server that is as good as dead: its lease runs out and it doesn't renew it.
    let dead = ChatSettings {
        lease: Duration::from_millis(1),
        checkpoint: Duration::from_secs(3600),
        ..settings()
    };
    let lost = replica(&pool, router("m", model.url.clone()), dead).await;
    let other = replica(&pool, router("m", model.url.clone()), settings()).await;
    let who = person(&pool, "ada").await;
    let sent = ask(&lost, &who, "Tell me.").await;
    model.say(2);
    let log_of_lost = log(&lost, &who, sent.generation).await;
    read_until(&log_of_lost, |events| text(events) == "t0 t1 ").await;
    let reader = log(&other, &who, sent.generation).await;
    read_until(&reader, |events| text(events) == "t0 t1 ").await;

    assert_eq!(other.reap().await.unwrap(), 1);
    assert_eq!(other.reap().await.unwrap(), 0);
    let expected = ("interrupted".to_owned(), String::new(), 1);
    assert_eq!(settled(&pool, &sent).await, expected);
    // Whoever was reading is told.
    let told = read_all(&reader).await;
    assert!(
        told.iter()
            .any(|event| matches!(event, StreamEvent::Finished(_))),
        "{told:?}"
    );
    // A conversation with a lost answer can go on.
    let next = crate::fixture::message(Some(sent.conversation), "Again?");
    let next = other.send(&who, &next).await.unwrap();

    // The lost one comes back and wants to finish: refused.
    model.say_all();
    let back = read_all(&log_of_lost).await;
    let finished = back.iter().find_map(|event| match event {
        StreamEvent::Finished(finished) => Some(finished.status.as_str()),
        _ => None,
    });
    assert_eq!(finished, Some("interrupted"));
    assert_eq!(settled(&pool, &sent).await, expected);
    read_all(&*log(&other, &who, next.generation).await).await;
    let requests: i64 = sqlx::query_scalar("SELECT sum(requests)::bigint FROM usage_metrics")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(requests, 2, "each answer counts once");
}
