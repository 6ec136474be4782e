//! The forms of the agent dashboard.

use axum::http::{Method, StatusCode};
use onelastai_db::PgPool;
use url::form_urlencoded;

use crate::matrix::{app_on, cookies};

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
    let saved: String =
        sqlx::query_scalar("SELECT system_prompt FROM agents WHERE slug = 'scholar'")
            .fetch_one(&pool)
            .await
            .unwrap();
    assert!(saved == instructions);
}
