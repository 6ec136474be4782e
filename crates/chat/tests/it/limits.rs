//! What a person's tier allows.

use std::time::Duration;

use futures::future::join_all;
use onelastai_agents::AgentDraft;
use onelastai_chat::{Caller, ChatError, ChatService, ChatSettings, Sent};
use onelastai_db::{PgPool, new_id};
use onelastai_types::{AnswerStatus, StreamEvent, Tier};
use onelastai_usage::{KeyLimits, Level, Limit, Scope, UsageError, UsageService, UsageSettings};
use uuid::Uuid;

use crate::{
    fixture::{
        ask, log, message, person, read_all, replica, router, settings, settled, text, variable,
    },
    model::{End, Model},
    way::Way,
};

async fn free(pool: &PgPool, sets: &str) -> Caller {
    let who = person(pool, "ada").await;
    let statement = format!(
        "UPDATE users SET subscription_tier = 'free';
         UPDATE tier_limits SET requests_per_minute = NULL, tokens_per_minute = NULL,
             requests_per_day = NULL, tokens_per_day = NULL, max_context_tokens = NULL
         WHERE tier = 'free'; UPDATE tier_limits SET {sets} WHERE tier = 'free'"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement))
        .execute(pool)
        .await
        .unwrap();
    who
}

async fn usage(pool: &PgPool) -> UsageService {
    let client = redis::Client::open(variable("REDIS_URL")).unwrap();
    let connection = client.get_connection_manager().await.unwrap();
    UsageService::new(pool.clone(), connection, UsageSettings::default())
}

async fn level(usage: &UsageService, who: &Caller, limit: Limit) -> Level {
    let standing = usage.standing(who.user, Tier::Free).await.unwrap();
    let mut levels = standing.levels.into_iter();
    levels.find(|level| level.limit == limit).unwrap()
}

/// The answer's tokens, once it is settled and counted.
async fn counted(usage: &UsageService, who: &Caller, tokens: u64) {
    let waiting = async {
        while level(usage, who, Limit::TokensPerDay).await.used != tokens {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waiting)
        .await
        .expect("the tokens that were used are counted in time");
}

async fn answered(chat: &ChatService, who: &Caller, sent: &Sent) {
    read_all(&*log(chat, who, sent.generation).await).await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn over_the_limit_nothing_is_written_and_the_person_is_told_when(pool: PgPool) {
    let model = Model::start(3, End::Done).await;
    model.say_all();
    let chat = replica(&pool, router("m", model.url.clone()), settings()).await;
    let who = free(&pool, "requests_per_day = 2, tokens_per_day = 100000").await;
    let usage = usage(&pool).await;
    let send = message(None, "One?");
    // Twenty times the same at once is one request.
    let sent = join_all((0..20).map(|_| chat.send(&who, &send))).await;
    let sent: Vec<_> = sent.into_iter().map(Result::unwrap).collect();
    assert_eq!(level(&usage, &who, Limit::RequestsPerDay).await.used, 1);
    answered(&chat, &who, &sent[0]).await;
    let tokens: i64 =
        sqlx::query_scalar("SELECT (prompt_tokens + completion_tokens)::bigint FROM usage_metrics")
            .fetch_one(&pool)
            .await
            .unwrap();
    assert!(tokens > 0);
    counted(&usage, &who, u64::try_from(tokens).unwrap()).await;

    // What can't be written counts for nothing.
    let nowhere = message(Some(uuid::Uuid::nil().into()), "Two?");
    assert!(matches!(
        chat.send(&who, &nowhere).await,
        Err(ChatError::NotFound)
    ));
    let second = message(None, "Two?");
    let two = chat.send(&who, &second).await.unwrap();
    let refused = chat.send(&who, &message(None, "Three?")).await;
    let Err(ChatError::Usage(UsageError::Exceeded {
        limit, retry_after, ..
    })) = refused
    else {
        panic!("{refused:?}");
    };
    assert_eq!(limit, Limit::RequestsPerDay);
    assert!(retry_after <= Duration::from_secs(86_400) && retry_after > Duration::ZERO);
    // But what was sent before can be sent again.
    assert_eq!(chat.send(&who, &second).await.unwrap(), two);
    let questions: i64 = sqlx::query_scalar("SELECT count(*) FROM messages WHERE role = 'user'")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(questions, 2);
    answered(&chat, &who, &two).await;
    chat.drain(Duration::from_secs(20)).await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_send_that_fails_gives_back_what_was_reserved(pool: PgPool) {
    let model = Model::start(1, End::Done).await;
    let chat = replica(&pool, router("m", model.url.clone()), settings()).await;
    let who = free(&pool, "requests_per_day = 10, tokens_per_day = 100000").await;
    let usage = usage(&pool).await;
    let sent = ask(&chat, &who, "One?").await;
    let reserved = level(&usage, &who, Limit::TokensPerDay).await.used;
    let busy = chat
        .send(&who, &message(Some(sent.conversation), "Two?"))
        .await;
    assert!(matches!(busy, Err(ChatError::Busy)));
    assert_eq!(level(&usage, &who, Limit::RequestsPerDay).await.used, 1);
    assert_eq!(
        level(&usage, &who, Limit::TokensPerDay).await.used,
        reserved
    );
    model.say_all();
    answered(&chat, &who, &sent).await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_tier_without_the_model_gets_no_answer_and_a_small_context_is_kept(pool: PgPool) {
    let model = Model::start(2, End::Done).await;
    model.say_all();
    let chat = replica(&pool, router("m", model.url.clone()), settings()).await;
    let who = free(&pool, "max_context_tokens = 600, models = ARRAY['gpt-oss']").await;
    let refused = chat.send(&who, &message(None, "One?")).await;
    assert!(matches!(
        refused,
        Err(ChatError::Usage(UsageError::ModelNotInTier))
    ));
    sqlx::raw_sql("UPDATE tier_limits SET models = ARRAY['llama3.2'] WHERE tier = 'free'")
        .execute(&pool)
        .await
        .unwrap();
    let chat = replica(&pool, router("m", model.url.clone()), settings()).await;
    let usage = usage(&pool).await;
    let first = ask(&chat, &who, &"a long question ".repeat(100)).await;
    answered(&chat, &who, &first).await;
    // The next prompt has room for 300 tokens, so the long question stays out of it.
    let next = message(Some(first.conversation), "And now?");
    let next = chat.send(&who, &next).await.unwrap();
    let events = read_all(&*log(&chat, &who, next.generation).await).await;
    assert_eq!(text(&events), "t0 t1 ");
    let told = model.last_request();
    assert!(
        told.contains("And now?") && !told.contains("a long question"),
        "{told}"
    );
    assert!(told.contains("\"num_predict\":300"), "{told}");
    drop(usage);
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_answer_whose_commit_nobody_heard_of_is_complete_and_counted(pool: PgPool) {
    let way = Way::to(&pool).await;
    let model = Model::start(2, End::Done).await;
    let chat = replica(&way.pool, router("m", model.url.clone()), settings()).await;
    let who = free(&pool, "tokens_per_day = 100000").await;
    let usage = usage(&pool).await;
    let sent = ask(&chat, &who, "Tell me.").await;
    way.break_at_commit();
    model.say_all();
    let events = read_all(&*log(&chat, &who, sent.generation).await).await;
    assert!(way.has_broken());
    let told = events.iter().find_map(|event| match event {
        StreamEvent::Finished(finished) => Some(finished.status),
        _ => None,
    });
    assert_eq!(told, Some(AnswerStatus::Complete));
    let expected = ("complete".to_owned(), "t0 t1 ".to_owned(), 1);
    assert_eq!(settled(&pool, &sent).await, expected);
    // What the model says: 7 read and 2 written.
    counted(&usage, &who, 9).await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn trying_an_agent_out_counts_and_has_limits(pool: PgPool) {
    let model = Model::start(2, End::Done).await;
    model.say_all();
    let chat = replica(&pool, router("m", model.url.clone()), settings()).await;
    let sets = "requests_per_day = 1, tokens_per_day = 100000, models = ARRAY['llama3.2']";
    let who = free(&pool, sets).await;
    let usage = usage(&pool).await;
    let draft = AgentDraft::default();
    let other = chat.try_out(who.user, &draft, "One?", "gpt-oss").await;
    assert!(matches!(
        other,
        Err(ChatError::Usage(UsageError::ModelNotInTier))
    ));
    let trial = chat.try_out(who.user, &draft, "One?", "llama3.2").await;
    let trial = trial.unwrap();
    assert_eq!((trial.text.as_str(), trial.trouble), ("t0 t1 ", None));
    counted(&usage, &who, 9).await;
    let again = chat.try_out(who.user, &draft, "Two?", "llama3.2").await;
    assert!(
        matches!(again, Err(ChatError::Usage(UsageError::Exceeded { .. }))),
        "{again:?}"
    );
    assert_eq!(model.requests(), 1, "who may not ask asks no model");
    let written: (i64, i64, i64) = sqlx::query_as(
        "SELECT requests, prompt_tokens, completion_tokens FROM usage_metrics WHERE user_id = $1",
    )
    .bind(who.user.0)
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(written, (1, 7, 2));
}

/// A key of this person that lets one request through in a minute.
async fn one_a_minute(pool: &PgPool, who: &Caller) -> KeyLimits {
    let id: Uuid = new_id();
    sqlx::query(
        "INSERT INTO api_keys (id, user_id, name, prefix, key_hash, scopes)
         VALUES ($1, $2, 'k', 'ola_', decode(repeat(md5($1::text), 2), 'hex'), '{chat.write}')",
    )
    .bind(id)
    .bind(who.user.0)
    .execute(pool)
    .await
    .unwrap();
    KeyLimits {
        id,
        requests_per_minute: Some(1),
        tokens_per_minute: None,
        monthly_budget_micros: None,
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_comes_with_a_key_is_under_its_limits_and_counts_for_it(pool: PgPool) {
    let model = Model::start(3, End::Done).await;
    model.say_all();
    let chat = replica(&pool, router("m", model.url.clone()), settings()).await;
    let mut who = person(&pool, "ada").await;
    let key = one_a_minute(&pool, &who).await;
    who.key = Some(key.clone());
    let (sent, rates) = chat
        .send_and_tell(&who, &message(None, "One?"))
        .await
        .unwrap();
    let left = rates.requests.unwrap();
    assert_eq!((left.limit, left.remaining), (1, 0));
    assert!(matches!(
        chat.send(&who, &message(None, "Two?")).await,
        Err(ChatError::Usage(UsageError::Exceeded {
            limit: Limit::RequestsPerMinute,
            scope: Scope::Key,
            ..
        }))
    ));
    answered(&chat, &who, &sent).await;
    let of_key: Uuid = sqlx::query_scalar("SELECT api_key_id FROM agent_interactions")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(of_key, key.id);
    let used: (i64, i64, i64) = sqlx::query_as(
        "SELECT requests, prompt_tokens, completion_tokens FROM api_key_usage
         WHERE api_key_id = $1",
    )
    .bind(key.id)
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(used, (1, 7, 3));
    // Without the key its person is under no limit.
    who.key = None;
    let free = ask(&chat, &who, "Three?").await;
    answered(&chat, &who, &free).await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_a_lost_server_left_counts_for_its_key_too(pool: PgPool) {
    let model = Model::start(3, End::Done).await;
    // As if its server were gone: nobody renews the lease.
    let dead = ChatSettings {
        lease: Duration::ZERO,
        checkpoint: Duration::from_secs(3600),
        ..settings()
    };
    let lost = replica(&pool, router("m", model.url.clone()), dead).await;
    let mut who = person(&pool, "ada").await;
    let key = one_a_minute(&pool, &who).await;
    who.key = Some(key.clone());
    ask(&lost, &who, "One?").await;
    let other = replica(&pool, router("m", model.url.clone()), settings()).await;
    assert_eq!(other.reap().await.unwrap(), 1);
    let requests: i64 =
        sqlx::query_scalar("SELECT requests FROM api_key_usage WHERE api_key_id = $1")
            .bind(key.id)
            .fetch_one(&pool)
            .await
            .unwrap();
    assert_eq!(requests, 1);
    model.say_all();
}
