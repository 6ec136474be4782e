//! Nobody who is signed in does more than is theirs: every server function, asked for by each
//! kind of person, with ids that are real and somebody else's wherever there are such.

use axum::http::{Method, StatusCode};
use leptos::server_fn::axum::server_fn_paths;
use onelastai_db::PgPool;
use redis::AsyncCommands;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    app::{Answer, App},
    matrix::{ID, app_on, cookies, sign_in},
};

/// Everybody but who administers.
const UNPRIVILEGED: [&str; 3] = ["demo", "maker", "auditor"];

/// What has no id: it works on what is one's own.
const OWN: &str = "/api/fn/end_other_sessions";

/// The chat's, which tells whom to ask instead of showing nothing.
const CHAT: [&str; 8] = [
    "/api/fn/send_message",
    "/api/fn/answer_again",
    "/api/fn/stop_answer",
    "/api/fn/judge_answer",
    "/api/fn/answer_source",
    "/api/fn/rename_conversation",
    "/api/fn/delete_conversation",
    "/api/fn/restore_conversation",
];

async fn id(pool: &PgPool, sql: &'static str) -> Uuid {
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}

/// What every server function asks for, of `username` and of the platform.
async fn fields_of(pool: &PgPool, username: &str) -> String {
    let user: Uuid = sqlx::query_scalar("SELECT id FROM users WHERE username = $1")
        .bind(username)
        .fetch_one(pool)
        .await
        .unwrap();
    let session: Uuid = sqlx::query_scalar("SELECT id FROM user_sessions WHERE user_id = $1")
        .bind(user)
        .fetch_one(pool)
        .await
        .unwrap();
    let agent = id(pool, "SELECT id FROM agents WHERE slug = 'companion'").await;
    format!(
        "user={user}&session={session}&agent={agent}&slug=companion&based_on=1&version=1\
         &conversation={ID}&generation={ID}&feedback=good&api_key={ID}&text=hello&title=mine&key=12345678\
         &tier=pro"
    )
}

/// All that the server functions of others could have changed.
async fn state(pool: &PgPool) -> String {
    sqlx::query_scalar(
        "SELECT (SELECT string_agg(concat(id, subscription_tier, disabled_at), ' ' ORDER BY id)
                 FROM users)
             || (SELECT string_agg(concat(id, ended_at), ' ' ORDER BY id) FROM user_sessions)
             || (SELECT string_agg(a::text, ' ' ORDER BY id) FROM agents a)
             || (SELECT count(*) FROM audit_logs)",
    )
    .fetch_one(pool)
    .await
    .unwrap()
}

async fn post(app: &App, cookie: &str, path: &str, fields: &str) -> Answer {
    let headers = [
        ("origin", app.origin.as_str()),
        ("content-type", "application/x-www-form-urlencoded"),
        ("cookie", cookie),
    ];
    app.call(Method::POST, path, &headers, fields).await
}

#[sqlx::test(migrations = "../migrations")]
async fn no_server_function_works_on_what_is_somebody_elses(pool: PgPool) {
    let app = app_on(&pool).await;
    let cookies = cookies(&app).await;
    let fields = fields_of(&pool, "admin").await;
    let before = state(&pool).await;
    let models = ["", "/new", "/a-model"].map(|page| format!("/admin/models{page}"));
    for name in UNPRIVILEGED {
        let functions = server_fn_paths().map(|(path, _)| path.to_owned());
        let all = functions.filter(|path| path != OWN).chain(models.clone());
        let mut count = 0;
        for path in all {
            let answer = post(&app, &cookies[name], &path, &fields).await;
            assert_eq!(
                answer.status,
                StatusCode::NOT_FOUND,
                "{name}: {path}: {}",
                answer.body
            );
            count += 1;
        }
        assert!(count >= 18, "the server functions are found");
    }
    assert_eq!(state(&pool).await, before);
}

/// Takes all roles from what is known of somebody, as the next refresh would find it.
async fn take_roles(pool: &PgPool, username: &str) {
    let sid: String = sqlx::query_scalar(
        "SELECT s.keycloak_session_id FROM user_sessions s JOIN users u ON u.id = s.user_id
         WHERE u.username = $1 AND s.ended_at IS NULL",
    )
    .bind(username)
    .fetch_one(pool)
    .await
    .unwrap();
    let client = redis::Client::open(std::env::var("REDIS_URL").unwrap()).unwrap();
    let mut redis = client.get_multiplexed_async_connection().await.unwrap();
    let key = format!("onelastai:keycloak:{sid}");
    let facts: String = redis.hget(&key, "facts").await.unwrap();
    let mut facts: Value = serde_json::from_str(&facts).unwrap();
    facts["roles"] = json!([]);
    // So that nobody asks Keycloak meanwhile.
    let now = time::OffsetDateTime::now_utc().unix_timestamp();
    facts["checked_at"] = json!(now * 1000);
    let () = redis.hset(&key, "facts", facts.to_string()).await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn who_has_no_roles_does_nothing_and_is_told_whom_to_ask(pool: PgPool) {
    let app = app_on(&pool).await;
    let cookie = sign_in(&app, "demo").await;
    let fields = fields_of(&pool, "demo").await;
    take_roles(&pool, "demo").await;
    let before = state(&pool).await;
    for (path, _) in server_fn_paths() {
        let answer = post(&app, &cookie, path, &fields).await;
        if CHAT.contains(&path) {
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
            assert!(answer.body.contains("no_chat"), "{path}: {}", answer.body);
        } else {
            assert_eq!(
                answer.status,
                StatusCode::NOT_FOUND,
                "{path}: {}",
                answer.body
            );
        }
    }
    assert_eq!(state(&pool).await, before);

    let headers = [("cookie", cookie.as_str()), ("accept", "text/html")];
    let stream = format!("/api/generations/{ID}/events");
    for path in ["/chat", "/chat?agent=companion", &stream] {
        let answer = app.call(Method::GET, path, &headers, "").await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
        assert!(answer.body.contains("may not use the chat"), "{path}");
        assert!(answer.body.contains("Ask whoever"), "{path}");
    }
    // The page leads on, and not in a circle.
    let page = app.call(Method::GET, "/chat", &headers, "").await;
    assert!(page.body.contains("href=\"/account\""), "{}", page.body);
    let account = app.call(Method::GET, "/account", &headers, "").await;
    assert_eq!(account.status, StatusCode::OK);
    assert!(!account.body.contains("href=\"/chat\""));
}
