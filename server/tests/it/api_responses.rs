//! Answers that are kept, by a model that does as it is told.

use axum::http::{Method, StatusCode};
use onelastai_access::Scope;
use onelastai_db::PgPool;
use onelastai_server::http::CallSettings;
use onelastai_types::AgentId;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    api_keys::{call, code, draft, key, key_as},
    api_streams::app_with,
    app::{Answer, App},
    model::{End, Model},
};

const PATH: &str = "/v1/responses";
const SCOPES: [Scope; 4] = [
    Scope::ChatWrite,
    Scope::AgentsUse,
    Scope::ConversationsRead,
    Scope::ConversationsWrite,
];

/// A model that says `t0 t1 ` at once.
async fn model() -> Model {
    let model = Model::start(2, End::Done).await;
    model.say_all();
    model
}

async fn app(pool: &PgPool, model: &Model) -> App {
    app_with(pool, model, CallSettings::default()).await
}

fn body(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap()
}

async fn ask(app: &App, key: &str, fields: Value) -> Answer {
    let mut asked = json!({"model": "scripted", "input": "Hi", "max_output_tokens": 64});
    for (name, value) in fields.as_object().unwrap() {
        asked[name] = value.clone();
    }
    call(app, &Method::POST, PATH, key, &asked).await
}

/// The answer, which is a good one.
async fn answered(app: &App, key: &str, fields: Value) -> Value {
    let answer = ask(app, key, fields).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    body(&answer)
}

/// The answer as the last of its events has it.
async fn streamed(app: &App, key: &str, mut fields: Value) -> Value {
    fields["stream"] = json!(true);
    let events = ask(app, key, fields).await.body;
    let last = events.rsplit("data: ").next().unwrap();
    let last: Value = serde_json::from_str(last).unwrap();
    last["response"].clone()
}

fn id(response: &Value) -> &str {
    response["id"].as_str().unwrap()
}

async fn get(app: &App, key: &str, path: &str) -> Answer {
    let path = format!("{PATH}/{path}");
    call(app, &Method::GET, &path, key, &Value::Null).await
}

async fn kept(pool: &PgPool) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM api_responses")
        .fetch_one(pool)
        .await
        .unwrap()
}

/// As if this response had been kept so many days ago.
async fn kept_before(pool: &PgPool, response: &Value, days: i32) {
    let call: Uuid = id(response).strip_prefix("resp_").unwrap().parse().unwrap();
    sqlx::query(
        "UPDATE api_responses SET created_at = now() - make_interval(days => $2) WHERE id = $1",
    )
    .bind(call)
    .bind(days)
    .execute(pool)
    .await
    .unwrap();
}

/// What the model was last told: who said what.
fn told(model: &Model) -> Vec<(String, String)> {
    let request: Value = serde_json::from_str(&model.last_request()).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let messages = request["messages"].as_array().unwrap().iter();
    messages
        .map(|it| (text(&it["role"]), text(&it["content"])))
        .collect()
}

fn said(messages: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |&(role, text): &(&str, &str)| (role.to_owned(), text.to_owned());
    messages.iter().map(owned).collect()
}

#[sqlx::test(migrations = "../migrations")]
async fn an_answer_goes_on_from_all_before_it_and_is_read_again(pool: PgPool) {
    let model = model().await;
    let app = app(&pool, &model).await;
    let mine = key(&app, &SCOPES, None).await;
    let first = json!({"input": "One\u{0}", "instructions": "Be brief"});
    let first = answered(&app, &mine, first).await;
    assert_eq!(first["store"], true);
    let second = json!({"input": "Two", "previous_response_id": id(&first)});
    let second = answered(&app, &mine, second).await;
    assert_eq!(second["previous_response_id"], first["id"]);
    // By another of the person's keys, and as a stream.
    let other = key(&app, &SCOPES, None).await;
    let third = json!({
        "input": [{"role": "user", "content": "Three"}, {"role": "user", "content": "Four"}],
        "instructions": "Be long", "previous_response_id": id(&second),
    });
    let third = streamed(&app, &other, third).await;
    assert_eq!(
        told(&model),
        said(&[
            ("system", "Be long"),
            ("user", "One\u{0}"),
            ("assistant", "t0 t1 "),
            ("user", "Two"),
            ("assistant", "t0 t1 "),
            ("user", "Three"),
            ("user", "Four"),
        ])
    );
    assert_eq!(third["store"], true);
    assert_eq!(third["previous_response_id"], second["id"]);
    for response in [&first, &second, &third] {
        let again = get(&app, &mine, id(response)).await;
        assert_eq!(again.status, StatusCode::OK, "{}", again.body);
        assert_eq!(body(&again), *response);
    }
    let items = format!("{}/input_items", id(&third));
    let page = body(&get(&app, &mine, &format!("{items}?limit=1")).await);
    assert_eq!(page["data"][0]["content"][0]["text"], "Four");
    assert_eq!(page["has_more"], true);
    let after = format!("{items}?after={}", page["last_id"].as_str().unwrap());
    let rest = body(&get(&app, &mine, &after).await);
    assert_eq!(rest["data"][0]["content"][0]["text"], "Three");
    assert_eq!(
        (&rest["has_more"], &rest["first_id"]),
        (&json!(false), &rest["last_id"])
    );
    let wrong = get(&app, &mine, &format!("{items}?order=newest")).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST, "{}", wrong.body);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_unknown_deleted_or_somebody_elses_is_not_there(pool: PgPool) {
    let model = model().await;
    let app = app(&pool, &model).await;
    let mine = key(&app, &SCOPES, None).await;
    let theirs = key_as("maker", &app, draft(&SCOPES, None)).await;
    let first = answered(&app, &mine, json!({})).await;
    let second = answered(&app, &mine, json!({"previous_response_id": id(&first)})).await;
    let path = format!("{PATH}/{}", id(&second));
    for (method, path) in [
        (Method::GET, path.clone()),
        (Method::GET, format!("{path}/input_items")),
        (Method::DELETE, path.clone()),
    ] {
        let answer = call(&app, &method, &path, &theirs, &Value::Null).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method} {path}");
        assert_eq!(code(&answer), "not_found");
    }
    let refused = async |key: &str, previous: &str| {
        let answer = ask(&app, key, json!({"previous_response_id": previous})).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.body);
        assert_eq!(code(&answer), "previous_response_not_found");
        assert_eq!(body(&answer)["error"]["param"], "previous_response_id");
        answer.body
    };
    let path = format!("{PATH}/{}", id(&first));
    let gone = call(&app, &Method::DELETE, &path, &mine, &Value::Null).await;
    assert_eq!(
        body(&gone),
        json!({"id": id(&first), "object": "response", "deleted": true})
    );
    let again = call(&app, &Method::DELETE, &path, &mine, &Value::Null).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
    // All in the same words; the last one has nothing to go on from any more.
    let unknown = refused(&mine, "resp_00000000000000000000000000000007").await;
    for (key, previous) in [
        (&theirs, id(&second)),
        (&mine, id(&first)),
        (&mine, id(&second)),
        (&mine, "resp_'; --"),
        (&mine, ""),
    ] {
        assert_eq!(refused(key, previous).await, unknown, "{previous}");
    }
    assert_eq!(get(&app, &mine, id(&second)).await.status, StatusCode::OK);
    assert_eq!(model.requests(), 2);
    let audited: Vec<String> =
        sqlx::query_scalar("SELECT action FROM audit_logs WHERE target_type = 'api_responses'")
            .fetch_all(&pool)
            .await
            .unwrap();
    assert_eq!(audited, ["response.delete"]);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_not_to_be_kept_is_not(pool: PgPool) {
    let model = model().await;
    let app = app(&pool, &model).await;
    let key = key(&app, &SCOPES, None).await;
    let unkept = answered(&app, &key, json!({"store": false})).await;
    assert_eq!(unkept["store"], false);
    let missing = get(&app, &key, id(&unkept)).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    let events = ask(&app, &key, json!({"store": false, "stream": true}))
        .await
        .body;
    assert!(events.contains("response.completed"), "{events}");
    assert!(!events.contains("\"store\":true"), "{events}");
    let after = ask(&app, &key, json!({"previous_response_id": id(&unkept)})).await;
    assert_eq!(code(&after), "previous_response_not_found");
    assert_eq!(kept(&pool).await, 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn an_answer_that_was_cut_is_kept(pool: PgPool) {
    let model = Model::start(2, End::Full).await;
    model.say_all();
    let app = app(&pool, &model).await;
    let key = key(&app, &SCOPES, None).await;
    let response = streamed(&app, &key, json!({})).await;
    assert_eq!(response["status"], "incomplete");
    assert_eq!(body(&get(&app, &key, id(&response)).await), response);
}

#[sqlx::test(migrations = "../migrations")]
async fn an_answer_that_failed_is_not_kept_and_says_so(pool: PgPool) {
    let model = Model::start(2, End::Error).await;
    model.say_all();
    let app = app(&pool, &model).await;
    let key = key(&app, &SCOPES, None).await;
    let response = streamed(&app, &key, json!({})).await;
    assert_eq!(
        (&response["status"], &response["store"]),
        (&json!("failed"), &json!(false))
    );
    let missing = get(&app, &key, id(&response)).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    assert_eq!(kept(&pool).await, 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_key_for_one_agent_sees_what_that_agent_answered(pool: PgPool) {
    let model = model().await;
    let app = app(&pool, &model).await;
    let (agent, prompt): (Uuid, String) =
        sqlx::query_as("SELECT id, system_prompt FROM agents WHERE slug = 'companion'")
            .fetch_one(&pool)
            .await
            .unwrap();
    let all = key(&app, &SCOPES, None).await;
    let one = key(&app, &SCOPES, Some(vec![AgentId::from(agent)])).await;
    let bare = answered(&app, &all, json!({})).await;
    let agents = answered(&app, &all, json!({"model": "agent/companion"})).await;
    // It was told its instructions, and nobody else is.
    assert_eq!(told(&model)[0], ("system".to_owned(), prompt.clone()));
    let rows: Vec<String> =
        sqlx::query_scalar("SELECT input::text || response::text FROM api_responses")
            .fetch_all(&pool)
            .await
            .unwrap();
    let prompt = json!(prompt).to_string();
    assert!(
        rows.iter()
            .all(|row| !row.contains(prompt.trim_matches('"')))
    );
    assert_eq!(agents["model"], "agent/companion");
    assert_eq!(get(&app, &one, id(&agents)).await.status, StatusCode::OK);
    let missing = get(&app, &one, id(&bare)).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    let go_on = |previous: &Value| {
        let previous = &previous["id"];
        json!({"model": "agent/companion", "previous_response_id": previous})
    };
    let mixed = answered(&app, &all, go_on(&bare)).await;
    for (previous, status) in [
        (&agents, StatusCode::OK),
        (&bare, StatusCode::BAD_REQUEST),
        (&mixed, StatusCode::BAD_REQUEST),
    ] {
        let answer = ask(&app, &one, go_on(previous)).await;
        assert_eq!(answer.status, status, "{}", answer.body);
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn after_thirty_days_it_is_forgotten(pool: PgPool) {
    let model = model().await;
    let app = app(&pool, &model).await;
    let key = key(&app, &SCOPES, None).await;
    let old = answered(&app, &key, json!({})).await;
    let young = answered(&app, &key, json!({"previous_response_id": id(&old)})).await;
    kept_before(&pool, &old, 31).await;
    kept_before(&pool, &young, 29).await;
    assert_eq!(app.state.gateway.sweep_responses().await.unwrap(), 1);
    assert_eq!(app.state.gateway.sweep_responses().await.unwrap(), 0);
    assert_eq!(
        get(&app, &key, id(&old)).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(get(&app, &key, id(&young)).await.status, StatusCode::OK);
    let half = ask(&app, &key, json!({"previous_response_id": id(&young)})).await;
    assert_eq!(code(&half), "previous_response_not_found");
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_too_much_to_go_on_from_is_said(pool: PgPool) {
    let model = model().await;
    let app = app(&pool, &model).await;
    let key = key(&app, &SCOPES, None).await;
    // The numbers are the ids, and each goes on from the one before.
    let fill = "INSERT INTO api_responses (id, user_id, previous_id, input, response, bytes)
                SELECT lpad(n::text, 32, '0')::uuid, u.id,
                       CASE WHEN n > 1 THEN lpad((n - 1)::text, 32, '0')::uuid END,
                       '[]', '{\"output\":[]}', 17
                FROM users u, generate_series(1, 1001) AS n WHERE u.username = 'demo'";
    sqlx::query(fill).execute(&pool).await.unwrap();
    let go_on = async |number: u32| {
        let name = format!("resp_{number:032}");
        ask(&app, &key, json!({"previous_response_id": name})).await
    };
    let most = go_on(1000).await;
    assert_eq!(most.status, StatusCode::OK, "{}", most.body);
    let over = go_on(1001).await;
    assert_eq!(over.status, StatusCode::BAD_REQUEST);
    assert_eq!(code(&over), "context_length_exceeded");
    let grow = "UPDATE api_responses SET bytes = 20 << 20
                WHERE id = '00000000-0000-0000-0000-000000000002'";
    sqlx::query(grow).execute(&pool).await.unwrap();
    let large = go_on(3).await;
    assert_eq!(code(&large), "context_length_exceeded", "{}", large.body);
}
