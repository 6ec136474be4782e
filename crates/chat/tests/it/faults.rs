//! What a person finds after a fault: the part that was there, and how it ended.

use std::time::Duration;

use onelastai_db::PgPool;
use onelastai_types::{AnswerStatus, StreamEvent};

use crate::{
    fixture::{ask, log, person, read_all, read_until, replica, router, settings, settled, text},
    model::{End, Model},
};

async fn ends_as(pool: &PgPool, end: End, error: &str) {
    let model = Model::start(2, end).await;
    model.say_all();
    let chat = replica(pool, router("m", model.url.clone()), settings()).await;
    let who = person(pool, "ada").await;
    let sent = ask(&chat, &who, "Tell me.").await;
    let events = read_all(&*log(&chat, &who, sent.generation).await).await;
    let finished = events.iter().find_map(|event| match event {
        StreamEvent::Finished(finished) => Some(finished.clone()),
        _ => None,
    });
    let finished = finished.expect("an end");
    assert_eq!(
        (finished.status, finished.error.as_deref()),
        (AnswerStatus::Failed, Some(error))
    );
    assert_eq!(
        settled(pool, &sent).await,
        ("failed".to_owned(), "t0 t1 ".to_owned(), 1)
    );
    assert_eq!(
        model.requests(),
        1,
        "what was shown is never asked for again"
    );
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_model_that_dies_in_the_middle(pool: PgPool) {
    ends_as(&pool, End::Cut, "interrupted").await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_model_that_reports_an_error_in_the_middle(pool: PgPool) {
    ends_as(&pool, End::Error, "model_reported").await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn no_model_at_all(pool: PgPool) {
    // A port that was just free: nobody listens there.
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let url = format!("http://{free}").parse().unwrap();
    let chat = replica(&pool, router("m", url), settings()).await;
    let who = person(&pool, "ada").await;
    let sent = ask(&chat, &who, "Tell me.").await;
    let events = read_all(&*log(&chat, &who, sent.generation).await).await;
    assert!(text(&events).is_empty());
    assert_eq!(settled(&pool, &sent).await.0, "failed");
    let answer = chat
        .answer(who.user, sent.generation)
        .await
        .unwrap()
        .answer
        .unwrap();
    assert_eq!(answer.error.as_deref(), Some("unreachable"));
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_server_that_shuts_down_marks_what_it_can_not_finish(pool: PgPool) {
    let model = Model::start(100, End::Done).await;
    let chat = replica(&pool, router("m", model.url.clone()), settings()).await;
    let who = person(&pool, "ada").await;
    let sent = ask(&chat, &who, "Tell me.").await;
    let log = log(&chat, &who, sent.generation).await;
    model.say(2);
    read_until(&log, |events| text(events) == "t0 t1 ").await;
    chat.drain(Duration::from_millis(50)).await;
    assert_eq!(
        settled(&pool, &sent).await,
        ("interrupted".to_owned(), "t0 t1 ".to_owned(), 1)
    );
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_server_that_shuts_down_lets_what_is_nearly_done_finish(pool: PgPool) {
    let model = Model::start(3, End::Done).await;
    let chat = replica(&pool, router("m", model.url.clone()), settings()).await;
    let who = person(&pool, "ada").await;
    let sent = ask(&chat, &who, "Tell me.").await;
    model.say_all();
    chat.drain(Duration::from_secs(30)).await;
    assert_eq!(settled(&pool, &sent).await.0, "complete");
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_text_is_saved_while_it_is_written(pool: PgPool) {
    let model = Model::start(100, End::Done).await;
    let chat = replica(&pool, router("m", model.url.clone()), settings()).await;
    let who = person(&pool, "ada").await;
    let sent = ask(&chat, &who, "Tell me.").await;
    model.say(2);
    let saved = async {
        while settled(&pool, &sent).await.1 != "t0 t1 " {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), saved)
        .await
        .expect("a checkpoint");
    assert_eq!(settled(&pool, &sent).await.0, "generating");
    chat.stop(who.user, sent.generation).await.unwrap();
}
