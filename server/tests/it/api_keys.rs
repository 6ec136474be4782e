//! Keys at the API: what each scope opens and what it doesn't, and what a key can't have.

use std::sync::Arc;

use axum::http::{Method, StatusCode};
use onelastai_access::{KeyDraft, Owner, Scope, Scopes};
use onelastai_agents::create_sample_agents;
use onelastai_db::{Origin, PgPool};
use onelastai_types::AgentId;
use serde_json::{Value, json};
use sqlx::ConnectOptions;
use uuid::Uuid;

use crate::app::{Answer, App};

const NOBODYS: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

/// Method, address, body, and the scope that it takes.
fn operations() -> Vec<(Method, String, Value, Scope)> {
    let model = model();
    let chat =
        json!({"model": model, "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1});
    let conversation = format!("/v1/conversations/{NOBODYS}");
    let response = format!("/v1/responses/resp_{NOBODYS}");
    vec![
        (
            Method::GET,
            "/v1/models".into(),
            Value::Null,
            Scope::ModelsRead,
        ),
        (
            Method::GET,
            format!("/v1/models/{model}"),
            Value::Null,
            Scope::ModelsRead,
        ),
        (
            Method::POST,
            "/v1/chat/completions".into(),
            chat,
            Scope::ChatWrite,
        ),
        (
            Method::POST,
            "/v1/responses".into(),
            json!({"model": model, "input": "Hi", "max_output_tokens": 1}),
            Scope::ChatWrite,
        ),
        (
            Method::GET,
            response.clone(),
            Value::Null,
            Scope::ConversationsRead,
        ),
        (
            Method::GET,
            format!("{response}/input_items"),
            Value::Null,
            Scope::ConversationsRead,
        ),
        (
            Method::DELETE,
            response,
            Value::Null,
            Scope::ConversationsWrite,
        ),
        (
            Method::POST,
            "/v1/embeddings".into(),
            json!({"model": model, "input": "Hi"}),
            Scope::EmbeddingsWrite,
        ),
        (
            Method::GET,
            "/v1/conversations".into(),
            Value::Null,
            Scope::ConversationsRead,
        ),
        (
            Method::GET,
            conversation.clone(),
            Value::Null,
            Scope::ConversationsRead,
        ),
        (
            Method::POST,
            "/v1/conversations".into(),
            json!({"agent": "no-such-agent", "content": "Hi"}),
            Scope::ConversationsWrite,
        ),
        (
            Method::PATCH,
            conversation.clone(),
            json!({"title": "Mine now"}),
            Scope::ConversationsWrite,
        ),
        (
            Method::DELETE,
            conversation.clone(),
            Value::Null,
            Scope::ConversationsWrite,
        ),
        (
            Method::POST,
            format!("{conversation}/messages"),
            json!({"content": "Hi"}),
            Scope::ConversationsWrite,
        ),
        (
            Method::GET,
            "/v1/admin/models".into(),
            Value::Null,
            Scope::AdminRead,
        ),
    ]
}

/// Our name of the real model.
pub fn model() -> String {
    let name = std::env::var("OLLAMA_MODEL").unwrap();
    name.split(':').next().unwrap().to_owned()
}

/// The product on a database of its own that has the sample agents.
pub async fn app_on(pool: &PgPool) -> App {
    create_sample_agents(pool).await.unwrap();
    let url = pool.connect_options().to_url_lossy().to_string();
    App::new(&[("DATABASE_URL", url.as_str())])
}

/// A key of `demo` for these scopes and agents.
pub async fn key(app: &App, scopes: &[Scope], agents: Option<Vec<AgentId>>) -> String {
    key_of("demo", app, scopes, agents).await
}

async fn key_of(
    username: &str,
    app: &App,
    scopes: &[Scope],
    agents: Option<Vec<AgentId>>,
) -> String {
    key_as(username, app, draft(scopes, agents)).await
}

/// A key without limits of its own.
pub fn draft(scopes: &[Scope], agents: Option<Vec<AgentId>>) -> KeyDraft {
    KeyDraft {
        name: "a key".to_owned(),
        scopes: scopes.iter().copied().collect::<Scopes>(),
        agents,
        networks: None,
        requests_per_minute: None,
        tokens_per_minute: None,
        monthly_budget: None,
        expires_at: None,
    }
}

/// A key of somebody as they ask for it.
pub async fn key_as(username: &str, app: &App, draft: KeyDraft) -> String {
    let identity = &app.state.identity;
    let user = identity.account_named(username).await.unwrap();
    let rights = identity.rights(user).await.unwrap();
    let owner = Owner {
        user,
        username: username.to_owned(),
        groups: rights.groups.clone(),
        permissions: rights.permissions().clone(),
        origin: Origin::default(),
        program: Some("test"),
    };
    let made = app.state.access.create(&owner, Uuid::new_v4(), draft).await;
    made.unwrap().key.expose().to_owned()
}

pub async fn call(app: &App, method: &Method, path: &str, key: &str, body: &Value) -> Answer {
    let bearer = format!("Bearer {key}");
    let headers = [("authorization", bearer.as_str())];
    let body = match body {
        Value::Null => String::new(),
        body => body.to_string(),
    };
    app.call(method.clone(), path, &headers, &body).await
}

/// The stable name of what went wrong.
pub fn code(answer: &Answer) -> String {
    let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    body["error"]["code"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

#[sqlx::test(migrations = "../migrations")]
async fn a_scope_opens_its_own_and_nothing_else(pool: PgPool) {
    let app = app_on(&pool).await;
    let mine = [
        Scope::ModelsRead,
        Scope::AgentsUse,
        Scope::ChatWrite,
        Scope::EmbeddingsWrite,
        Scope::ConversationsRead,
        Scope::ConversationsWrite,
    ];
    for scope in mine {
        let key = key(&app, &[scope], None).await;
        for (method, path, body, wanted) in operations() {
            let answer = call(&app, &method, &path, &key, &body).await;
            let said = format!(
                "{method} {path} with {scope}: {} {}",
                answer.status, answer.body
            );
            if scope == wanted {
                assert_ne!(code(&answer), "insufficient_scope", "{said}");
                assert!(
                    answer.status.is_success() || answer.status == StatusCode::NOT_FOUND,
                    "{said}"
                );
            } else {
                assert_eq!(answer.status, StatusCode::FORBIDDEN, "{said}");
                assert_eq!(code(&answer), "insufficient_scope", "{said}");
            }
        }
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_key_for_one_agent_is_for_nothing_else(pool: PgPool) {
    let app = app_on(&pool).await;
    let agent = sqlx::query_scalar::<_, Uuid>("SELECT id FROM agents WHERE slug = 'companion'");
    let agent: AgentId = agent.fetch_one(&pool).await.unwrap().into();
    let scopes = [Scope::ModelsRead, Scope::AgentsUse, Scope::ChatWrite];
    let key = key(&app, &scopes, Some(vec![agent])).await;
    let listed = call(&app, &Method::GET, "/v1/models", &key, &Value::Null).await;
    let listed: Value = serde_json::from_str(&listed.body).unwrap();
    let ids: Vec<_> = listed["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["id"])
        .collect();
    assert_eq!(ids, ["agent/companion"]);
    let ask = |model: &str| json!({"model": model, "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1});
    let path = "/v1/chat/completions";
    for (name, status) in [
        ("agent/companion", StatusCode::OK),
        ("agent/scribe", StatusCode::NOT_FOUND),
        (model().as_str(), StatusCode::FORBIDDEN),
        ("agent/", StatusCode::NOT_FOUND),
        ("agent/../companion", StatusCode::NOT_FOUND),
    ] {
        let answer = call(&app, &Method::POST, path, &key, &ask(name)).await;
        assert_eq!(answer.status, status, "{name}: {}", answer.body);
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn nobody_reads_or_changes_what_is_somebody_elses(pool: PgPool) {
    let app = app_on(&pool).await;
    let scopes = [Scope::ConversationsRead, Scope::ConversationsWrite];
    let mine = key(&app, &scopes, None).await;
    let theirs = key_of("maker", &app, &scopes, None).await;
    let made = "INSERT INTO conversations (id, user_id, agent_id, title)
                SELECT gen_random_uuid(), u.id, a.id, 'Mine' FROM users u, agents a
                WHERE u.username = 'demo' AND a.slug = 'companion' RETURNING id";
    let id: Uuid = sqlx::query_scalar(made).fetch_one(&pool).await.unwrap();
    let path = format!("/v1/conversations/{id}");
    for (method, path, body) in [
        (Method::GET, path.clone(), Value::Null),
        (
            Method::PATCH,
            path.clone(),
            json!({"title": "Theirs", "user_id": NOBODYS}),
        ),
        (Method::DELETE, path.clone(), Value::Null),
        (
            Method::POST,
            format!("{path}/messages"),
            json!({"content": "Hi"}),
        ),
    ] {
        let answer = call(&app, &method, &path, &theirs, &body).await;
        assert_eq!(
            answer.status,
            StatusCode::NOT_FOUND,
            "{method}: {}",
            answer.body
        );
        assert!(!answer.body.contains("Mine"));
    }
    let list = call(
        &app,
        &Method::GET,
        "/v1/conversations",
        &theirs,
        &Value::Null,
    )
    .await;
    assert!(!list.body.contains("Mine"), "{}", list.body);
    // An unknown or privileged field changes nothing.
    let renamed = json!({"title": "Still mine", "user_id": NOBODYS, "agent": "scribe"});
    let answer = call(&app, &Method::PATCH, &path, &mine, &renamed).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(
        (&body["title"], &body["agent"]),
        (&json!("Still mine"), &json!("companion"))
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_request_that_names_itself_is_answered_once(pool: PgPool) {
    let app = app_on(&pool).await;
    let key = key(&app, &[Scope::ChatWrite], None).await;
    let bearer = format!("Bearer {key}");
    let ask = |stream: bool, name: &'static str| {
        let body = json!({
            "model": model(), "stream": stream, "max_tokens": 3,
            "messages": [{"role": "user", "content": "Hi"}],
        });
        let (app, bearer) = (&app, bearer.as_str());
        async move {
            let headers = [("authorization", bearer), ("idempotency-key", name)];
            let path = "/v1/chat/completions";
            app.call(Method::POST, path, &headers, &body.to_string())
                .await
        }
    };
    for (stream, name) in [(false, "whole"), (true, "stream")] {
        let first = ask(stream, name).await;
        assert_eq!(first.status, StatusCode::OK, "{}", first.body);
        let again = ask(stream, name).await;
        assert_eq!(again.body, first.body);
        assert_eq!(again.header("content-type"), first.header("content-type"));
        assert_eq!(again.header("idempotent-replayed"), "true");
    }
    let other = ask(true, "whole").await;
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(code(&other), "idempotency_key_reused");
    let charged: i64 = sqlx::query_scalar("SELECT count(*) FROM agent_interactions")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(charged, 2);
    // Two at once: one answers, the other is told to wait or gets the answer.
    let (one, two) = tokio::join!(ask(false, "at once"), ask(false, "at once"));
    let mut found = [one.status, two.status];
    found.sort();
    assert_eq!(found[0], StatusCode::OK);
    assert!(
        matches!(found[1], StatusCode::OK | StatusCode::CONFLICT),
        "{found:?}"
    );
    for answer in [one, two] {
        let waits = answer.status == StatusCode::CONFLICT;
        assert_eq!(!answer.header("retry-after").is_empty(), waits);
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn an_operators_key_sees_how_the_models_are(pool: PgPool) {
    let app = app_on(&pool).await;
    let path = "/v1/admin/models";
    let key = key_of("admin", &app, &[Scope::AdminRead], None).await;
    let answer = call(&app, &Method::GET, path, &key, &Value::Null).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(body["data"][0]["model_id"], model());
    assert_eq!(body["data"][0]["reachable"], true);
    assert!(body["data"][0]["state"]["slots"].is_number(), "{body}");
    let other = key_of("admin", &app, &[Scope::ModelsRead], None).await;
    let answer = call(&app, &Method::GET, path, &other, &Value::Null).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_a_plan_does_not_have_is_said_before_a_model_is_asked(pool: PgPool) {
    let app = app_on(&pool).await;
    let set = "UPDATE agents SET required_tier = 'pro' WHERE slug = 'companion'";
    sqlx::query(set).execute(&pool).await.unwrap();
    let set = "UPDATE tier_limits SET requests_per_minute = 3 WHERE tier = 'free'";
    sqlx::query(set).execute(&pool).await.unwrap();
    let key = key(&app, &[Scope::ChatWrite, Scope::AgentsUse], None).await;
    let path = "/v1/chat/completions";
    let ask = |model: &str| json!({"model": model, "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1});
    let dear = call(&app, &Method::POST, path, &key, &ask("agent/companion")).await;
    assert_eq!(dear.status, StatusCode::FORBIDDEN, "{}", dear.body);
    let mut left = Vec::new();
    for _ in 0..3 {
        let answer = call(&app, &Method::POST, path, &key, &ask(&model())).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        left.push(answer.header("ratelimit-remaining").to_owned());
    }
    assert_eq!(left, ["2", "1", "0"]);
    let over = call(&app, &Method::POST, path, &key, &ask(&model())).await;
    assert_eq!(over.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(code(&over), "rate_limit_exceeded");
    let wait: u64 = over.header("retry-after").parse().unwrap();
    assert!((1..=120).contains(&wait), "{wait}");
}

#[sqlx::test(migrations = "../migrations")]
async fn what_was_used_is_counted_once_and_to_the_token(pool: PgPool) {
    let app = Arc::new(app_on(&pool).await);
    let key = key(&app, &[Scope::ChatWrite], None).await;
    let mut tasks = Vec::new();
    for number in 0..8 {
        let (app, key) = (Arc::clone(&app), key.clone());
        tasks.push(tokio::spawn(async move {
            let ask = json!({
                "model": model(), "max_tokens": 1 + number % 3,
                "messages": [{"role": "user", "content": "Hi"}],
            });
            let answer = call(&app, &Method::POST, "/v1/chat/completions", &key, &ask).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
            let body: Value = serde_json::from_str(&answer.body).unwrap();
            let count = |name: &str| body["usage"][name].as_i64().unwrap();
            (count("prompt_tokens"), count("completion_tokens"))
        }));
    }
    let (mut read, mut written) = (0, 0);
    for task in tasks {
        let (prompt, completion) = task.await.unwrap();
        read += prompt;
        written += completion;
    }
    // An answer is told only when what it took is in the database.
    for table in ["usage_metrics", "api_key_usage"] {
        let sums = format!(
            "SELECT sum(requests)::bigint, sum(prompt_tokens)::bigint,
                    sum(completion_tokens)::bigint FROM {table}"
        );
        let sums: (i64, i64, i64) = sqlx::query_as(sqlx::AssertSqlSafe(sums))
            .fetch_one(&pool)
            .await
            .unwrap();
        assert_eq!(sums, (8, read, written), "{table}");
    }
}
