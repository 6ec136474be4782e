//! The ordinary life of an answer.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
    time::Duration,
};

use onelastai_chat::{Author, Caller, ChatError, ChatService, ConversationSummary, Send};
use onelastai_db::PgPool;
use onelastai_types::{AnswerStatus, ConversationId, Feedback, StreamEvent};
use uuid::Uuid;

use crate::{
    fixture::{
        ask, log, message, person, read_all, read_until, replica, router, settings, settled, text,
        variable,
    },
    model::{End, Model},
};

async fn listed(chat: &ChatService, who: &Caller) -> Vec<ConversationSummary> {
    let list = chat.conversations_after(who.user, None, None, 100).await;
    list.unwrap()
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_real_model_answers_and_the_database_has_it_all(pool: PgPool) {
    let servers = variable("OLLAMA_URLS");
    let first = servers.split([',', ';']).next().unwrap();
    let server = first.parse().unwrap();
    let chat = replica(&pool, router(&variable("OLLAMA_MODEL"), server), settings()).await;
    let who = person(&pool, "ada").await;
    let sent = ask(&chat, &who, "Say hello in one short sentence.").await;
    let events = read_all(&*log(&chat, &who, sent.generation).await).await;

    assert!(
        matches!(events.first(), Some(StreamEvent::Started(_))),
        "{events:?}"
    );
    assert_eq!(events.last(), Some(&StreamEvent::End));
    let finished = events.iter().find_map(|event| match event {
        StreamEvent::Finished(finished) => Some(finished),
        _ => None,
    });
    let finished = finished.expect("an end");
    assert_eq!(finished.status, AnswerStatus::Complete, "{finished:?}");
    assert!(finished.completion_tokens > 0 && finished.prompt_tokens > 0);

    let answer = chat.answer(who.user, sent.generation).await.unwrap();
    assert_eq!(answer.content, text(&events));
    assert!(!answer.content.is_empty());
    let details = answer.answer.unwrap();
    assert_eq!(details.completion_tokens, finished.completion_tokens);
    assert_eq!(details.model.as_deref(), Some("llama3.2"));

    let (requests, read, written): (i64, i64, i64) = sqlx::query_as(
        "SELECT requests, prompt_tokens, completion_tokens FROM usage_metrics WHERE user_id = $1",
    )
    .bind(who.user.0)
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(requests, 1);
    assert_eq!(read, i64::from(finished.prompt_tokens));
    assert_eq!(written, i64::from(finished.completion_tokens));
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_answer_that_is_as_long_as_it_may_be_says_so(pool: PgPool) {
    let who = person(&pool, "ada").await;
    for (end, cut_off) in [(End::Done, false), (End::Full, true)] {
        let model = Model::start(2, end).await;
        model.say_all();
        let chat = replica(&pool, router("m", model.url.clone()), settings()).await;
        let sent = ask(&chat, &who, "One?").await;
        let events = read_all(&*log(&chat, &who, sent.generation).await).await;
        let told = events.iter().find_map(|event| match event {
            StreamEvent::Finished(finished) => Some(finished.making.cut_off),
            _ => None,
        });
        assert_eq!(told, Some(cut_off));
        let open = chat.conversation(who.user, sent.conversation).await;
        for answer in [
            chat.answer(who.user, sent.generation).await.unwrap(),
            open.unwrap().messages.remove(1),
        ] {
            let answer = answer.answer.unwrap();
            assert_eq!(answer.status, AnswerStatus::Complete);
            assert_eq!(answer.making.cut_off, cut_off);
        }
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_a_person_thinks_of_an_answer_is_kept_until_they_think_otherwise(pool: PgPool) {
    let who = person(&pool, "ada").await;
    let model = Model::start(2, End::Done).await;
    model.say_all();
    let chat = replica(&pool, router("m", model.url.clone()), settings()).await;
    let sent = ask(&chat, &who, "One?").await;
    read_all(&*log(&chat, &who, sent.generation).await).await;
    for (feedback, stored) in [
        (Feedback::Good, Some(1_i16)),
        (Feedback::Bad, Some(-1)),
        (Feedback::None, None),
    ] {
        let judged = chat.judge(who.user, sent.generation, feedback).await;
        assert_eq!(judged.unwrap(), sent.conversation);
        let answer = chat.answer(who.user, sent.generation).await.unwrap();
        assert_eq!(answer.answer.unwrap().feedback, feedback);
        let column: Option<i16> = sqlx::query_scalar("SELECT feedback FROM agent_interactions")
            .fetch_one(&pool)
            .await
            .unwrap();
        assert_eq!(column, stored);
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_conversation_goes_on_as_one_branch(pool: PgPool) {
    let model = Model::start(3, End::Done).await;
    model.say_all();
    let chat = replica(&pool, router("m", model.url.clone()), settings()).await;
    let who = person(&pool, "ada").await;
    let first = ask(&chat, &who, "  One?  ").await;
    read_all(&*log(&chat, &who, first.generation).await).await;
    let second = chat
        .send(&who, &message(Some(first.conversation), "Two?"))
        .await
        .unwrap();
    read_all(&*log(&chat, &who, second.generation).await).await;

    let open = chat
        .conversation(who.user, first.conversation)
        .await
        .unwrap();
    let said: Vec<_> = open
        .messages
        .iter()
        .map(|m| (m.author, m.content.as_str()))
        .collect();
    let answer = "t0 t1 t2 ";
    assert_eq!(
        said,
        [
            (Author::Person, "  One?  "),
            (Author::Agent, answer),
            (Author::Person, "Two?"),
            (Author::Agent, answer)
        ]
    );
    assert_eq!(open.messages[1].id, first.answer);
    let list = listed(&chat, &who).await;
    assert_eq!((list.len(), list[0].agent_slug.as_str()), (1, "companion"));
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_is_sent_twice_is_answered_once(pool: PgPool) {
    let model = Model::start(2, End::Done).await;
    let chat = replica(&pool, router("m", model.url.clone()), settings()).await;
    let who = person(&pool, "ada").await;
    let send = message(None, "Hello?");
    let sends = (0..20).map(|_| {
        let (chat, who, send) = (chat.clone(), who.clone(), send.clone());
        tokio::spawn(async move { chat.send(&who, &send).await.unwrap() })
    });
    let mut sent = Vec::new();
    for task in sends.collect::<Vec<_>>() {
        sent.push(task.await.unwrap());
    }
    assert!(sent.iter().all(|one| *one == sent[0]), "{sent:?}");
    model.say_all();
    read_all(&*log(&chat, &who, sent[0].generation).await).await;
    let messages: i64 = sqlx::query_scalar("SELECT count(*) FROM messages")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(messages, 2);
    assert_eq!(listed(&chat, &who).await.len(), 1);
}

#[sqlx::test(migrations = "../../migrations")]
async fn something_else_with_the_same_key_is_not_lost(pool: PgPool) {
    let model = Model::start(1, End::Done).await;
    model.say_all();
    let chat = replica(&pool, router("m", model.url.clone()), settings()).await;
    let who = person(&pool, "ada").await;
    let first = message(None, "One?");
    let one = chat.send(&who, &first).await.unwrap();
    // As after Back in a page without our script: it has the old key.
    let second = Send {
        text: "Two?".to_owned(),
        ..first.clone()
    };
    let two = chat.send(&who, &second).await.unwrap();
    assert_ne!(one.conversation, two.conversation);
    read_all(&*log(&chat, &who, two.generation).await).await;
    let third = Send {
        conversation: Some(two.conversation),
        ..second.clone()
    };
    let three = chat.send(&who, &third).await.unwrap();
    assert_ne!(two.question, three.question);
    read_all(&*log(&chat, &who, three.generation).await).await;
    for (send, sent) in [(&first, one), (&second, two), (&third, three)] {
        assert_eq!(chat.send(&who, send).await.unwrap(), sent);
    }
    let open = chat.conversation(who.user, two.conversation).await.unwrap();
    let said = open.messages.iter();
    let said = said.filter(|message| message.author == Author::Person);
    let said: Vec<_> = said.map(|message| message.content.as_str()).collect();
    assert_eq!(said, ["Two?", "Two?"]);
    chat.drain(Duration::from_secs(20)).await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn who_goes_away_while_sending_is_answered_all_the_same(pool: PgPool) {
    let model = Model::start(1, End::Done).await;
    model.say_all();
    let chat = replica(&pool, router("m", model.url.clone()), settings()).await;
    let who = person(&pool, "ada").await;
    // A send takes a dozen steps; the browser goes away after each of them in turn.
    for polls in 1..40 {
        let send = message(None, "Hello?");
        let mut sending = pin!(chat.send(&who, &send));
        for _ in 0..polls {
            let once = poll_fn(|context| Poll::Ready(sending.as_mut().poll(context)));
            if once.await.is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    chat.drain(Duration::from_secs(60)).await;
    let ends: Vec<(String, i64)> =
        sqlx::query_as("SELECT status, count(*) FROM generations GROUP BY status")
            .fetch_all(&pool)
            .await
            .unwrap();
    assert_eq!(ends, [("complete".to_owned(), 39)]);
}

#[sqlx::test(migrations = "../../migrations")]
async fn there_is_one_answer_at_a_time(pool: PgPool) {
    let model = Model::start(2, End::Done).await;
    let chat = replica(&pool, router("m", model.url.clone()), settings()).await;
    let who = person(&pool, "ada").await;
    let sent = ask(&chat, &who, "One?").await;
    let second = chat
        .send(&who, &message(Some(sent.conversation), "Two?"))
        .await;
    assert!(matches!(second, Err(ChatError::Busy)), "{second:?}");
    model.say_all();
    read_all(&*log(&chat, &who, sent.generation).await).await;
    chat.send(&who, &message(Some(sent.conversation), "Two?"))
        .await
        .unwrap();
}

#[sqlx::test(migrations = "../../migrations")]
async fn stop_tells_the_model_and_keeps_the_part(pool: PgPool) {
    let model = Model::start(100, End::Done).await;
    let chat = replica(&pool, router("m", model.url.clone()), settings()).await;
    let who = person(&pool, "ada").await;
    let sent = ask(&chat, &who, "Tell me.").await;
    let log = log(&chat, &who, sent.generation).await;
    model.say(3);
    read_until(&log, |events| text(events) == "t0 t1 t2 ").await;
    chat.stop(who.user, sent.generation).await.unwrap();
    // At once: a page that is made now shows it.
    let expected = ("stopped".to_owned(), "t0 t1 t2 ".to_owned(), 1);
    assert_eq!(settled(&pool, &sent).await, expected);
    model.is_left_alone().await;
    let events = read_all(&log).await;
    assert_eq!(text(&events), "t0 t1 t2 ");
    // Again, and after the end: nothing changes.
    chat.stop(who.user, sent.generation).await.unwrap();
    assert_eq!(settled(&pool, &sent).await, expected);
    let (read, written): (i64, i64) =
        sqlx::query_as("SELECT prompt_tokens, completion_tokens FROM usage_metrics")
            .fetch_one(&pool)
            .await
            .unwrap();
    assert_eq!(written, 3);
    assert!(read > 0, "the model was told something");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_stopped_answer_is_tried_again_beside_it(pool: PgPool) {
    let model = Model::start(2, End::Done).await;
    let chat = replica(&pool, router("m", model.url.clone()), settings()).await;
    let who = person(&pool, "ada").await;
    let sent = ask(&chat, &who, "Tell me.").await;
    let early = chat.answer_again(&who, sent.generation).await;
    assert!(matches!(early, Err(ChatError::Busy)), "{early:?}");
    chat.stop(who.user, sent.generation).await.unwrap();
    read_all(&*log(&chat, &who, sent.generation).await).await;

    let again = chat.answer_again(&who, sent.generation).await.unwrap();
    let twice = chat.answer_again(&who, sent.generation).await.unwrap();
    assert_eq!(again, twice);
    assert_eq!(
        (again.question, again.conversation),
        (sent.question, sent.conversation)
    );
    assert_ne!(again.answer, sent.answer);
    model.say_all();
    read_all(&*log(&chat, &who, again.generation).await).await;
    let open = chat
        .conversation(who.user, sent.conversation)
        .await
        .unwrap();
    let shown: Vec<_> = open.messages.iter().map(|message| message.id).collect();
    assert_eq!(shown, [sent.question, again.answer]);
    assert_eq!(open.messages[1].content, "t0 t1 ");

    // Once more is said, a try again would take it away.
    let more = chat
        .send(&who, &message(Some(sent.conversation), "And?"))
        .await
        .unwrap();
    read_all(&*log(&chat, &who, more.generation).await).await;
    let late = chat.answer_again(&who, again.generation).await;
    assert!(matches!(late, Err(ChatError::Invalid { .. })), "{late:?}");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_deleted_conversation_is_gone_and_can_come_back(pool: PgPool) {
    let model = Model::start(100, End::Done).await;
    let chat = replica(&pool, router("m", model.url.clone()), settings()).await;
    let who = person(&pool, "ada").await;
    let sent = ask(&chat, &who, "Tell me.").await;
    model.say(1);
    chat.delete(&who, sent.conversation).await.unwrap();
    model.is_left_alone().await;
    assert!(listed(&chat, &who).await.is_empty());
    let gone = chat.conversation(who.user, sent.conversation).await;
    assert!(matches!(gone, Err(ChatError::NotFound)));
    chat.restore(&who, sent.conversation).await.unwrap();
    chat.rename(&who, sent.conversation, "  A \n title ")
        .await
        .unwrap();
    assert_eq!(listed(&chat, &who).await[0].title, "A title");
    for bad in ["", " \n", &"x".repeat(201)] {
        let refused = chat.rename(&who, sent.conversation, bad).await;
        assert!(matches!(
            refused,
            Err(ChatError::Invalid { field: "title", .. })
        ));
    }
    let audited: Vec<String> = sqlx::query_scalar(
        "SELECT action FROM audit_logs WHERE target_type = 'conversations' ORDER BY id",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    assert_eq!(audited, ["conversation.delete", "conversation.restore"]);
}

/// As if `conversation` had been deleted so many days ago.
async fn deleted_before(pool: &PgPool, conversation: ConversationId, days: i32) {
    sqlx::query(
        "UPDATE conversations SET deleted_at = now() - make_interval(days => $2) WHERE id = $1",
    )
    .bind(conversation.0)
    .bind(days)
    .execute(pool)
    .await
    .unwrap();
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_was_deleted_goes_after_thirty_days_and_what_it_counted_for_stays(pool: PgPool) {
    let model = Model::start(1, End::Done).await;
    model.say_all();
    let chat = replica(&pool, router("m", model.url.clone()), settings()).await;
    let who = person(&pool, "ada").await;
    let mut sent = Vec::new();
    for text in ["Old?", "New?", "Kept?"] {
        let one = ask(&chat, &who, text).await;
        read_all(&*log(&chat, &who, one.generation).await).await;
        sent.push(one);
    }
    let (old, new) = (sent[0].conversation, sent[1].conversation);
    // With two messages that hang on one another.
    let more = chat.send(&who, &message(Some(old), "And?")).await.unwrap();
    read_all(&*log(&chat, &who, more.generation).await).await;
    for conversation in [old, new] {
        chat.delete(&who, conversation).await.unwrap();
    }
    deleted_before(&pool, old, 31).await;
    deleted_before(&pool, new, 29).await;

    // Nobody may bring it back on the way out.
    assert_eq!(chat.deleted_title(who.user, old).await.unwrap(), None);
    let late = chat.restore(&who, old).await;
    assert!(matches!(late, Err(ChatError::NotFound)), "{late:?}");
    assert_eq!(chat.sweep_deleted().await.unwrap(), 1);
    assert_eq!(chat.sweep_deleted().await.unwrap(), 0);
    chat.restore(&who, new).await.unwrap();
    assert_eq!(listed(&chat, &who).await.len(), 2);

    let counts = "SELECT (SELECT count(*) FROM messages),
                         (SELECT count(*) FROM generations),
                         (SELECT count(*) FROM agent_interactions),
                         (SELECT sum(requests)::bigint FROM usage_metrics)";
    let counts: (i64, i64, i64, i64) = sqlx::query_as(counts).fetch_one(&pool).await.unwrap();
    assert_eq!(counts, (4, 2, 4, 4));
    let swept: Vec<(String, Uuid)> = sqlx::query_as(
        "SELECT actor, target_id FROM audit_logs WHERE action = 'conversation.sweep'",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    assert_eq!(swept, [("sweep of conversations".to_owned(), old.0)]);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_stranger_gets_nothing(pool: PgPool) {
    let model = Model::start(1, End::Done).await;
    model.say_all();
    let chat = replica(&pool, router("m", model.url.clone()), settings()).await;
    let (ada, eve) = (person(&pool, "ada").await, person(&pool, "eve").await);
    let sent = ask(&chat, &ada, "A secret.").await;
    read_all(&*log(&chat, &ada, sent.generation).await).await;
    let id = sent.conversation;
    assert!(matches!(
        chat.conversation(eve.user, id).await,
        Err(ChatError::NotFound)
    ));
    assert!(matches!(
        chat.log(eve.user, sent.generation).await,
        Err(ChatError::NotFound)
    ));
    assert!(matches!(
        chat.answer(eve.user, sent.generation).await,
        Err(ChatError::NotFound)
    ));
    assert!(matches!(
        chat.stop(eve.user, sent.generation).await,
        Err(ChatError::NotFound)
    ));
    assert!(matches!(
        chat.rename(&eve, id, "Mine").await,
        Err(ChatError::NotFound)
    ));
    assert!(matches!(
        chat.delete(&eve, id).await,
        Err(ChatError::NotFound)
    ));
    assert!(matches!(
        chat.restore(&eve, id).await,
        Err(ChatError::NotFound)
    ));
    assert!(matches!(
        chat.answer_again(&eve, sent.generation).await,
        Err(ChatError::NotFound)
    ));
    assert!(matches!(
        chat.judge(eve.user, sent.generation, Feedback::Bad).await,
        Err(ChatError::NotFound)
    ));
    let sent = chat.send(&eve, &message(Some(id), "Hello?")).await;
    assert!(matches!(sent, Err(ChatError::NotFound)));
    assert!(listed(&chat, &eve).await.is_empty());
    assert_eq!(chat.deleted_title(eve.user, id).await.unwrap(), None);
}
