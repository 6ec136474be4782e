//! What every response of the API says besides its answer: names, limits, and errors in one
//! form.

use axum::http::{Method, StatusCode};
use onelastai_access::Scope;
use onelastai_db::PgPool;
use serde_json::{Value, json};

use crate::{
    api_keys::{app_on, call, key, model},
    app::{Answer, App},
};

fn error(answer: &Answer) -> Value {
    assert_eq!(answer.header("content-type"), "application/json");
    assert!(!answer.header("x-request-id").is_empty());
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    body["error"].clone()
}

#[tokio::test]
async fn pages_of_any_origin_may_call_with_a_key_of_their_own() {
    let app = App::new(&[]);
    let asked = "authorization,content-type,x-stainless-os,x-stainless-retry-count";
    for path in ["/v1/chat/completions", "/v1/models", "/v1/conversations"] {
        let headers = [
            ("origin", "https://app.example"),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", asked),
        ];
        let may = app.call(Method::OPTIONS, path, &headers, "").await;
        assert_eq!(may.status, StatusCode::OK, "{path}");
        assert_eq!(may.header("access-control-allow-origin"), "*");
        assert_eq!(may.header("access-control-allow-headers"), asked);
        assert!(may.header("access-control-allow-methods").contains("POST"));
        assert_eq!(may.header("access-control-allow-credentials"), "");
    }
    let origin = [("origin", "https://app.example")];
    let told = app.call(Method::GET, "/v1/models", &origin, "").await;
    assert_eq!(told.status, StatusCode::UNAUTHORIZED);
    assert_eq!(told.header("access-control-allow-origin"), "*");
    let exposed = told.header("access-control-expose-headers");
    for name in ["x-request-id", "retry-after", "x-ratelimit-reset-tokens"] {
        assert!(exposed.contains(name), "{exposed}");
    }
    // Nothing else of the product is for other origins.
    let page = app.call(Method::GET, "/", &origin, "").await;
    assert_eq!(page.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn whatever_is_not_there_is_an_error_of_the_api() {
    let app = App::new(&[]);
    for path in ["/v1", "/v1/", "/v1/nothing", "/v1/models/"] {
        let missing = app.call(Method::GET, path, &[], "").await;
        assert_eq!(missing.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(error(&missing)["code"], "unknown_url", "{path}");
    }
    let wrong = app.call(Method::PUT, "/v1/models", &[], "").await;
    assert_eq!(wrong.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(error(&wrong)["code"], "method_not_allowed");
}

#[sqlx::test(migrations = "../migrations")]
async fn what_can_not_be_read_is_an_error_of_the_api(pool: PgPool) {
    let app = app_on(&pool).await;
    let scopes = [Scope::ChatWrite, Scope::ConversationsRead];
    let key = key(&app, &scopes, None).await;
    let huge = json!({"model": model(), "messages": [], "user": "x".repeat(21 << 20)});
    let huge = call(&app, &Method::POST, "/v1/chat/completions", &key, &huge).await;
    assert_eq!(huge.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(error(&huge)["code"], "request_too_large");
    let path = "/v1/conversations?limit=x";
    let query = call(&app, &Method::GET, path, &key, &Value::Null).await;
    assert_eq!(query.status, StatusCode::BAD_REQUEST);
    assert_eq!(error(&query)["param"], "limit");
    let path = "/v1/conversations/%ff";
    let id = call(&app, &Method::GET, path, &key, &Value::Null).await;
    assert_eq!(id.status, StatusCode::NOT_FOUND);
    assert_eq!(error(&id)["code"], "not_found");
}

#[sqlx::test(migrations = "../migrations")]
async fn answers_have_names_and_tell_what_is_left(pool: PgPool) {
    let app = app_on(&pool).await;
    let scopes = [Scope::ChatWrite, Scope::EmbeddingsWrite, Scope::ModelsRead];
    let key = key(&app, &scopes, None).await;
    let messages = json!([{"role": "user", "content": "Hi"}]);
    for (path, body) in [
        (
            "/v1/chat/completions",
            json!({"model": model(), "messages": messages, "max_tokens": 1}),
        ),
        (
            "/v1/embeddings",
            json!({"model": model(), "input": [15339, 1917]}),
        ),
    ] {
        let answer = call(&app, &Method::POST, path, &key, &body).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        for what in ["requests", "tokens"] {
            let number = |name: &str| -> u64 {
                let name = format!("x-ratelimit-{name}-{what}");
                answer.header(&name).parse().unwrap()
            };
            assert!(number("remaining") < number("limit"), "{path} {what}");
            let reset = answer.header(&format!("x-ratelimit-reset-{what}"));
            assert!(reset.ends_with('s'), "{reset}");
        }
        assert!(!answer.header("ratelimit-limit").is_empty());
        // The row of the call has the same name.
        let named =
            sqlx::query_scalar("SELECT count(*) FROM agent_interactions WHERE id::text = $1")
                .bind(answer.header("x-request-id"))
                .fetch_one(&pool);
        let named: i64 = named.await.unwrap();
        assert_eq!(named, 1, "{path}");
    }
    let list = call(&app, &Method::GET, "/v1/models", &key, &Value::Null).await;
    assert!(!list.header("x-request-id").is_empty());
}

#[sqlx::test(migrations = "../migrations")]
async fn numbers_of_tokens_are_read_as_their_text(pool: PgPool) {
    let app = app_on(&pool).await;
    let key = key(&app, &[Scope::EmbeddingsWrite], None).await;
    let made = async |input: Value| {
        let body = json!({"model": model(), "input": input});
        let answer = call(&app, &Method::POST, "/v1/embeddings", &key, &body).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        (body["usage"]["prompt_tokens"].clone(), body["data"].clone())
    };
    let (tokens, of_text) = made(json!(["hello world"])).await;
    let (same_tokens, of_numbers) = made(json!([[15339, 1917]])).await;
    assert_eq!(tokens, same_tokens);
    let first = |data: &Value| data[0]["embedding"][0].as_f64().unwrap();
    assert!((first(&of_text) - first(&of_numbers)).abs() < 1e-4);
}
