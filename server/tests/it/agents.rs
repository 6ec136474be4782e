//! The forms of the agent dashboard.

use axum::http::{Method, StatusCode};
use onelastai_db::PgPool;
use url::form_urlencoded;

use crate::matrix::{app_on, cookies, sign_in};

/// What is kept of the agent `scholar`.
async fn instructions_of_scholar(pool: &PgPool) -> String {
    sqlx::query_scalar("SELECT system_prompt FROM agents WHERE slug = 'scholar'")
        .fetch_one(pool)
        .await
        .unwrap()
}

/// Of the longest that there may be, in a script whose letters take the most room in a form.
#[sqlx::test(migrations = "../migrations")]
async fn the_longest_instructions_can_be_saved_in_any_script(pool: PgPool) {
    let app = app_on(&pool).await;
    let cookies = cookies(&app).await;
    let instructions = "𠮷".repeat(100_000);
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("name", "Scholar")
        .append_pair("slug", "scholar")
        .append_pair("system_prompt", &instructions)
        .append_pair("visibility", "private")
        .append_pair("required_tier", "free")
        .finish();
    let headers = [
        ("origin", app.origin.as_str()),
        ("content-type", "application/x-www-form-urlencoded"),
        ("cookie", cookies["maker"].as_str()),
    ];
    let answer = app.call(Method::POST, "/agents/new", &headers, &form).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    assert!(instructions_of_scholar(&pool).await == instructions);
}

/// 2 MB, with the longest instructions as escapes.
#[sqlx::test(migrations = "../migrations")]
async fn the_largest_file_can_be_imported(pool: PgPool) {
    let app = app_on(&pool).await;
    let cookie = sign_in(&app, "maker").await;
    let escapes = "\\ud842\\udfb7".repeat(100_000);
    let agent = format!(
        r#"{{"format": "onelastai-agent", "version": 1,
            "agent": {{"name": "Scholar", "slug": "scholar", "system_prompt": "{escapes}"}}}}"#
    );
    let rest = " ".repeat((2 << 20) - agent.len());
    let body = format!(
        "--line\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.json\"\r\n\
         Content-Type: application/json\r\n\r\n{agent}{rest}\r\n--line--\r\n"
    );
    let headers = [
        ("origin", app.origin.as_str()),
        ("content-type", "multipart/form-data; boundary=line"),
        ("cookie", cookie.as_str()),
    ];
    let answer = app
        .call(Method::POST, "/agents/import", &headers, &body)
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    assert!(instructions_of_scholar(&pool).await == "𠮷".repeat(100_000));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_chat_begins_with_an_agent_that_the_list_has_no_room_for(pool: PgPool) {
    let app = app_on(&pool).await;
    sqlx::query(
        "INSERT INTO agents (id, slug, name, visibility, created_at)
         SELECT gen_random_uuid(), 'agent-' || n, 'The agent ' || n, 'signed_in',
                now() + make_interval(secs => n)
         FROM generate_series(1, 201) n",
    )
    .execute(&pool)
    .await
    .unwrap();
    let cookie = sign_in(&app, "demo").await;
    let headers = [("cookie", cookie.as_str()), ("accept", "text/html")];
    let page = app
        .call(Method::GET, "/chat?agent=agent-201", &headers, "")
        .await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("The agent 201"));
}
