//! What a conversation is called, and by whom.

use onelastai_chat::ChatService;
use onelastai_db::PgPool;
use onelastai_types::{ConversationId, StreamEvent};

use crate::{
    fixture::{ask, log, person, read_all, replica, router, settings},
    model::{End, Model},
};

/// A chat whose model says three words, whatever it is asked: a title that can be used.
async fn chat_with(pool: &PgPool) -> (ChatService, Model) {
    let model = Model::start(3, End::Done).await;
    let chat = replica(pool, router("m", model.url.clone()), settings()).await;
    (chat, model)
}

/// The title, and whose it is.
async fn title(pool: &PgPool, conversation: ConversationId) -> (String, String) {
    sqlx::query_as("SELECT title, title_source FROM conversations WHERE id = $1")
        .bind(conversation.0)
        .fetch_one(pool)
        .await
        .unwrap()
}

fn named(title: &str, source: &str) -> (String, String) {
    (title.to_owned(), source.to_owned())
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_model_gives_a_title_after_the_first_answer(pool: PgPool) {
    let (chat, model) = chat_with(&pool).await;
    let who = person(&pool, "ada").await;
    let sent = ask(&chat, &who, "How do tides work?").await;
    let before = title(&pool, sent.conversation).await;
    assert_eq!(before, named("How do tides work?", "question"));
    model.say_all();
    let events = read_all(&*log(&chat, &who, sent.generation).await).await;

    let told = StreamEvent::Title {
        title: "t0 t1 t2".to_owned(),
    };
    assert!(events.contains(&told), "{events:?}");
    let after = title(&pool, sent.conversation).await;
    assert_eq!(after, named("t0 t1 t2", "model"));
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_persons_title_stays(pool: PgPool) {
    let (chat, model) = chat_with(&pool).await;
    let who = person(&pool, "ada").await;
    let sent = ask(&chat, &who, "How do tides work?").await;
    chat.rename(&who, sent.conversation, "Tides").await.unwrap();
    model.say_all();
    let events = read_all(&*log(&chat, &who, sent.generation).await).await;

    let told = |event: &StreamEvent| matches!(event, StreamEvent::Title { .. });
    assert!(!events.iter().any(told), "{events:?}");
    let after = title(&pool, sent.conversation).await;
    assert_eq!(after, named("Tides", "person"));
}
