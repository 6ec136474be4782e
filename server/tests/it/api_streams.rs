//! Answers of the API that don't go as they should, by a model that does as it is told.

use std::{future::pending, net::SocketAddr, time::Duration};

use axum::{
    body::{Body, BodyDataStream},
    http::{Method, Request, StatusCode},
};
use futures::StreamExt;
use onelastai_access::{KeyDraft, Scope};
use onelastai_agents::create_sample_agents;
use onelastai_db::PgPool;
use onelastai_server::http::{CallSettings, ListenSettings, serve};
use serde_json::{Value, json};
use sqlx::ConnectOptions;
use tokio::{io::AsyncWriteExt, net::TcpSocket, time::timeout};
use tower::ServiceExt;

use crate::{
    api_keys::{call, code, draft, key, key_as},
    app::App,
    model::{End, Model},
};

const PATH: &str = "/v1/chat/completions";
const PATIENCE: Duration = Duration::from_secs(30);

/// The product on a database of its own, with this model alone.
pub async fn app_with(pool: &PgPool, model: &Model, settings: CallSettings) -> App {
    create_sample_agents(pool).await.unwrap();
    let database = pool.connect_options().to_url_lossy().to_string();
    let change = [
        ("DATABASE_URL", database.as_str()),
        ("OLLAMA_URLS", model.url.as_str()),
        ("OLLAMA_MODEL", "scripted:1b"),
    ];
    App::with_calls(&change, settings)
}

/// Which call a stream silent after a moment.
fn soon_silent() -> CallSettings {
    CallSettings {
        silence: Duration::from_millis(50),
        tick: Duration::from_millis(10),
        ..CallSettings::default()
    }
}

fn ask() -> Value {
    json!({
        "model": "scripted", "stream": true, "max_tokens": 64,
        "messages": [{"role": "user", "content": "Hi"}],
    })
}

/// The beginning of a streamed answer.
async fn begin(app: &App, key: &str) -> BodyDataStream {
    let request = Request::post(PATH)
        .header("authorization", format!("Bearer {key}"))
        .body(Body::from(ask().to_string()))
        .unwrap();
    let response = app.router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.headers().contains_key("x-request-id"));
    response.into_body().into_data_stream()
}

async fn next(body: &mut BodyDataStream) -> Option<String> {
    let piece = timeout(PATIENCE, body.next()).await.expect("in time")?;
    Some(String::from_utf8_lossy(&piece.unwrap()).into_owned())
}

async fn rest(body: &mut BodyDataStream) -> String {
    let mut all = String::new();
    while let Some(piece) = next(body).await {
        all.push_str(&piece);
    }
    all
}

/// How the only call that a model began to answer ended, once that is written down.
async fn settled(pool: &PgPool) -> String {
    let looking = async {
        loop {
            let status = sqlx::query_scalar(
                "SELECT status FROM agent_interactions WHERE completion_tokens > 0",
            );
            if let Some(status) = status.fetch_optional(pool).await.unwrap() {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, looking).await.expect("it is settled")
}

async fn kept(pool: &PgPool) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM api_idempotency_keys")
        .fetch_one(pool)
        .await
        .unwrap()
}

#[sqlx::test(migrations = "../migrations")]
async fn an_answer_that_broke_off_is_not_kept(pool: PgPool) {
    let model = Model::start(2, End::Error).await;
    model.say_all();
    let app = app_with(&pool, &model, CallSettings::default()).await;
    let bearer = format!("Bearer {}", key(&app, &[Scope::ChatWrite], None).await);
    let headers = [
        ("authorization", bearer.as_str()),
        ("idempotency-key", "broken"),
    ];
    let broken = app
        .call(Method::POST, PATH, &headers, &ask().to_string())
        .await;
    assert_eq!(broken.status, StatusCode::OK, "{}", broken.body);
    assert!(broken.body.contains("\"error\"") && !broken.body.contains("[DONE]"));
    assert_eq!(kept(&pool).await, 0);
    let again = app
        .call(Method::POST, PATH, &headers, &ask().to_string())
        .await;
    assert_eq!(again.header("idempotent-replayed"), "");
}

#[sqlx::test(migrations = "../migrations")]
async fn an_answer_without_a_length_is_bounded_by_what_is_reserved_for_it(pool: PgPool) {
    let model = Model::start(2, End::Done).await;
    model.say_all();
    let app = app_with(&pool, &model, CallSettings::default()).await;
    let limited = KeyDraft {
        tokens_per_minute: Some(1000),
        ..draft(&[Scope::ChatWrite], None)
    };
    let key = key_as("demo", &app, limited).await;
    let question = json!({"model": "scripted", "messages": ask()["messages"]});
    let told = || {
        let told: Value = serde_json::from_str(&model.last_request()).unwrap();
        told["options"]["num_predict"].as_u64().unwrap()
    };
    let first = call(&app, &Method::POST, PATH, &key, &question).await;
    assert_eq!(first.status, StatusCode::OK, "{}", first.body);
    let longest = told();
    assert!((900..1000).contains(&longest), "{longest}");
    // The next one has what the first one left, as soon as that is counted.
    let again = async {
        loop {
            let answer = call(&app, &Method::POST, PATH, &key, &question).await;
            if answer.status == StatusCode::OK {
                return;
            }
        }
    };
    timeout(PATIENCE, again).await.expect("in time");
    let shorter = told();
    assert!((256..longest).contains(&shorter), "{shorter}");
}

#[sqlx::test(migrations = "../migrations")]
async fn who_does_not_read_lets_go_of_the_model(pool: PgPool) {
    // Far more than all buffers on the way hold.
    let model = Model::start(40_000, End::Done).await;
    model.say_all();
    let settings = CallSettings {
        slow_reader: Duration::from_millis(200),
        tick: Duration::from_millis(20),
        ..CallSettings::default()
    };
    let app = app_with(&pool, &model, settings).await;
    let key = key(&app, &[Scope::ChatWrite], None).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_send_buffer_size(8 << 10).unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let listener = socket.listen(8).unwrap();
    let address = listener.local_addr().unwrap();
    let (router, settings) = (app.router.clone(), ListenSettings::default());
    tokio::spawn(serve(listener, router, settings, pending()));

    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(8 << 10).unwrap();
    let mut unread = socket.connect(address).await.unwrap();
    let body = ask().to_string();
    let request = format!(
        "POST {PATH} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {key}\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    unread.write_all(request.as_bytes()).await.unwrap();
    assert_eq!(settled(&pool).await, "stopped");
    let taken: u32 = app
        .state
        .router
        .snapshot()
        .iter()
        .map(|it| it.in_flight)
        .sum();
    assert_eq!(taken, 0);
    drop(unread);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_silent_stream_begins_and_says_that_it_waits(pool: PgPool) {
    let model = Model::start(3, End::Done).await;
    let app = app_with(&pool, &model, soon_silent()).await;
    let key = key(&app, &[Scope::ChatWrite], None).await;
    let mut body = begin(&app, &key).await;
    // At once, and again after a while.
    for _ in 0..3 {
        assert_eq!(next(&mut body).await.as_deref(), Some(": waiting\n\n"));
    }
    model.say(1);
    let first = loop {
        let piece = next(&mut body).await.unwrap();
        if piece != ": waiting\n\n" {
            break piece;
        }
    };
    assert!(first.contains("t0 "), "{first}");
    assert_eq!(next(&mut body).await.as_deref(), Some(": waiting\n\n"));
    model.say_all();
    let rest = rest(&mut body).await;
    assert!(
        rest.contains("t2 ") && rest.ends_with("data: [DONE]\n\n"),
        "{rest}"
    );
    assert_eq!(settled(&pool).await, "complete");
}

#[sqlx::test(migrations = "../migrations")]
async fn an_error_after_a_long_wait_is_an_event(pool: PgPool) {
    let model = Model::start(1, End::Done).await;
    let app = app_with(&pool, &model, soon_silent()).await;
    let key = key(&app, &[Scope::ChatWrite], None).await;
    let mut body = begin(&app, &key).await;
    assert_eq!(next(&mut body).await.as_deref(), Some(": waiting\n\n"));
    // Before the model has said anything.
    let ((), rest) = tokio::join!(app.calls.drain(Duration::from_millis(1)), rest(&mut body));
    assert!(
        rest.contains("server_stopping") && !rest.contains("[DONE]"),
        "{rest}"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_server_that_stops_tells_every_stream_and_takes_no_more(pool: PgPool) {
    let model = Model::start(100, End::Done).await;
    model.say(2);
    let app = app_with(&pool, &model, CallSettings::default()).await;
    let key = key(&app, &[Scope::ChatWrite], None).await;
    let bearer = format!("Bearer {key}");
    let mut body = begin(&app, &key).await;
    assert!(next(&mut body).await.unwrap().contains("t0 "));
    // Another one named itself, and waits for the model.
    let named = [
        ("authorization", bearer.as_str()),
        ("idempotency-key", "waits"),
    ];
    let whole = json!({"model": "scripted", "max_tokens": 64, "messages": ask()["messages"]});
    let whole = whole.to_string();
    let draining = async {
        while kept(&pool).await == 0 {
            tokio::task::yield_now().await;
        }
        app.calls.drain(Duration::from_millis(20)).await;
    };
    let (waited, rest, ()) = tokio::join!(
        app.call(Method::POST, PATH, &named, &whole),
        rest(&mut body),
        draining
    );
    assert!(
        rest.contains("server_stopping") && !rest.contains("[DONE]"),
        "{rest}"
    );
    assert_eq!(waited.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(code(&waited), "server_stopping");
    assert_eq!(kept(&pool).await, 0, "it may be sent again");
    assert_eq!(settled(&pool).await, "stopped");
    model.is_left_alone().await;
    let refused = call(&app, &Method::POST, PATH, &key, &ask()).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!refused.header("retry-after").is_empty());
}

#[sqlx::test(migrations = "../migrations")]
async fn a_conversation_is_under_the_limits_of_its_key(pool: PgPool) {
    let model = Model::start(3, End::Done).await;
    model.say_all();
    let app = app_with(&pool, &model, CallSettings::default()).await;
    let mut wanted = draft(&[Scope::ConversationsWrite], None);
    wanted.requests_per_minute = Some(1);
    let key = key_as("demo", &app, wanted).await;
    let new = json!({"agent": "companion", "content": "Hi"});
    let begun = call(&app, &Method::POST, "/v1/conversations", &key, &new).await;
    assert_eq!(begun.status, StatusCode::CREATED, "{}", begun.body);
    assert_eq!(begun.header("ratelimit-limit"), "1");
    assert_eq!(begun.header("x-ratelimit-remaining-requests"), "0");
    let conversation: Value = serde_json::from_str(&begun.body).unwrap();
    let path = format!(
        "/v1/conversations/{}/messages",
        conversation["id"].as_str().unwrap()
    );
    let over = call(
        &app,
        &Method::POST,
        &path,
        &key,
        &json!({"content": "And?"}),
    )
    .await;
    assert_eq!(over.status, StatusCode::TOO_MANY_REQUESTS, "{}", over.body);
    assert_eq!(code(&over), "rate_limit_exceeded");
    assert!(!over.header("retry-after").is_empty());
    let used: i64 = sqlx::query_scalar("SELECT sum(requests)::bigint FROM api_key_usage")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(used, 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_key_of_a_message_is_for_one_message(pool: PgPool) {
    let model = Model::start(3, End::Done).await;
    model.say_all();
    let app = app_with(&pool, &model, CallSettings::default()).await;
    let key = key(&app, &[Scope::ConversationsWrite], None).await;
    let bearer = format!("Bearer {key}");
    let long = "k".repeat(255);
    let said = async |path: &str, name: &str, body: Value| {
        let headers = [
            ("authorization", bearer.as_str()),
            ("idempotency-key", name),
        ];
        app.call(Method::POST, path, &headers, &body.to_string())
            .await
    };
    let path = "/v1/conversations";
    let new = json!({"agent": "companion", "content": "Hi"});
    let first = said(path, &long, new.clone()).await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.body);
    let again = said(path, &long, new).await;
    assert_eq!(again.status, StatusCode::CREATED);
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.body, first.body);
    let conversation: Value = serde_json::from_str(&first.body).unwrap();
    let messages = format!("{path}/{}/messages", conversation["id"].as_str().unwrap());
    for (path, body) in [
        (
            path,
            json!({"agent": "companion", "content": "Something else"}),
        ),
        (messages.as_str(), json!({"content": "Hi"})),
    ] {
        let other = said(path, &long, body).await;
        assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
        assert_eq!(code(&other), "idempotency_key_reused");
    }
    let streamed = json!({"content": "And?", "stream": true});
    let first = said(&messages, "second", streamed.clone()).await;
    assert!(first.body.contains("\"type\":\"end\""), "{}", first.body);
    let again = said(&messages, "second", streamed).await;
    assert_eq!(again.body, first.body);
    let questions: i64 = sqlx::query_scalar("SELECT count(*) FROM messages WHERE role = 'user'")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(questions, 2);
    let too_long = said(
        path,
        &"k".repeat(256),
        json!({"agent": "companion", "content": "Hi"}),
    )
    .await;
    assert_eq!(too_long.status, StatusCode::UNPROCESSABLE_ENTITY);
}
