//! Who finds what: every page and every plain address, asked for by everybody there is.

use std::collections::BTreeMap;

use axum::http::{Method, StatusCode};
use leptos_axum::generate_route_list;
use onelastai_agents::create_sample_agents;
use onelastai_app::App as Pages;
use onelastai_db::PgPool;
use serde::Deserialize;
use sqlx::ConnectOptions;

use crate::app::App;
use crate::browser::{Browser, turn};

pub const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

/// Somebody who is signed in, in the order of the table.
const PEOPLE: [&str; 4] = ["demo", "maker", "auditor", "admin"];

/// What the four of them get at an address; a stranger is sent to the sign-in or gets
/// nothing. Everything that has an id in it is asked for with one that isn't theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    /// It is for everybody, also for a stranger.
    Public,
    /// For those in the list; for the others there is nothing.
    For(&'static [&'static str]),
}

use Found::{For, Public};

const EVERYBODY: &[&str] = &PEOPLE;
const MAKERS: &[&str] = &["maker", "admin"];
const NOBODY: &[&str] = &[];

/// Every page of `routes.rs`, and every address of the server besides that reads something.
const TABLE: &[(&str, Found)] = &[
    ("/", Public),
    ("/chat", For(EVERYBODY)),
    ("/chat/{id}", For(NOBODY)),
    ("/agents", For(MAKERS)),
    ("/agents/new", For(MAKERS)),
    ("/agents/import", For(MAKERS)),
    // `companion` belongs to the platform: only who administers may change it.
    ("/agents/{slug}", For(&["admin"])),
    ("/agents/{slug}/versions", For(&["admin"])),
    ("/agents/{slug}/versions/{version}", For(&["admin"])),
    ("/agents/{slug}/numbers", For(&["admin"])),
    ("/agents/{slug}/export.json", For(&["admin"])),
    ("/docs", Public),
    ("/account", For(EVERYBODY)),
    ("/account/keys", For(EVERYBODY)),
    ("/account/keys/new", For(EVERYBODY)),
    ("/account/keys/{id}", For(NOBODY)),
    ("/admin", For(&["admin"])),
    ("/admin/users/{id}", For(NOBODY)),
    ("/admin/models", For(&["admin"])),
    ("/admin/models/new", For(&["admin"])),
    ("/admin/models/{id}", For(NOBODY)),
    ("/admin/audit", For(&["auditor", "admin"])),
    // The first of all is there: somebody has signed in.
    ("/admin/audit/entry/{sequence}", For(&["auditor", "admin"])),
    ("/admin/audit/entry/0", For(NOBODY)),
    ("/admin/audit/export.csv", For(&["auditor", "admin"])),
    ("/admin/audit/export.jsonl", For(&["auditor", "admin"])),
    ("/admin/audit/export.exe", For(NOBODY)),
    ("/api/generations/{id}/events", For(NOBODY)),
    ("/open/nobody-is-called-this", For(NOBODY)),
];

fn filled(path: &str) -> String {
    path.replace("{id}", ID)
        .replace("{slug}", "companion")
        .replace("{version}", "1")
        .replace("{sequence}", "1")
}

#[derive(Deserialize)]
struct Account {
    username: String,
    password: String,
}

/// The product on a database of its own that has the sample agents.
pub async fn app_on(pool: &PgPool) -> App {
    create_sample_agents(pool).await.unwrap();
    let url = pool.connect_options().to_url_lossy().to_string();
    App::new(&[("DATABASE_URL", url.as_str())])
}

/// The session cookie of somebody who signs in at the real Keycloak.
pub async fn sign_in(app: &App, name: &str) -> String {
    let file = std::env::var("E2E_ACCOUNTS").expect("E2E_ACCOUNTS: run by ./dev test unit");
    let accounts: Vec<Account> =
        serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let account = accounts.iter().find(|it| it.username == name).unwrap();
    let _turn = turn(name).await;
    let begun = app.get("/auth/login").await;
    let url = begun.header("location").parse().unwrap();
    let (code, state) = Browser::default()
        .sign_in(&url, name, &account.password)
        .await
        .unwrap();
    let state_cookie = begun.header("set-cookie").split(';').next().unwrap();
    let headers = [("cookie", state_cookie), ("accept", "text/html")];
    let back = format!("/auth/callback?code={code}&state={state}");
    let answer = app.call(Method::GET, &back, &headers, "").await;
    let session = answer.header("set-cookie").split(';').next().unwrap();
    assert!(
        session.starts_with("onelastai_session="),
        "{name}: {session}"
    );
    session.to_owned()
}

/// The session cookies of the four.
pub async fn cookies(app: &App) -> BTreeMap<&'static str, String> {
    let mut cookies = BTreeMap::new();
    for name in PEOPLE {
        cookies.insert(name, sign_in(app, name).await);
    }
    cookies
}

#[test]
fn every_page_is_in_the_table() {
    for page in generate_route_list(Pages) {
        let path = page.path();
        assert!(TABLE.iter().any(|(known, _)| *known == path), "{path}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_stranger_is_sent_to_the_sign_in_or_finds_nothing(pool: PgPool) {
    let app = app_on(&pool).await;
    for (path, found) in TABLE {
        let answer = app.get(&filled(path)).await;
        match found {
            Public => assert_eq!(answer.status, StatusCode::OK, "{path}"),
            For(_) if answer.status.is_redirection() => {
                let to = answer.header("location");
                assert!(
                    to.starts_with("/auth/login?return_to=%2F")
                        || to.starts_with("/auth/login?return_to=/"),
                    "{path}: {to}"
                );
            }
            For(_) => assert!(
                matches!(
                    answer.status,
                    StatusCode::NOT_FOUND | StatusCode::UNAUTHORIZED
                ),
                "{path}: {}",
                answer.status
            ),
        }
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn everybody_finds_what_is_theirs_and_nothing_else(pool: PgPool) {
    let app = app_on(&pool).await;
    let cookies = cookies(&app).await;
    for (path, found) in TABLE {
        for (name, cookie) in &cookies {
            let headers = [("cookie", cookie.as_str()), ("accept", "text/html")];
            let answer = app.call(Method::GET, &filled(path), &headers, "").await;
            let allowed = match found {
                Public => true,
                For(people) => people.contains(name),
            };
            let expected = if allowed {
                StatusCode::OK
            } else {
                StatusCode::NOT_FOUND
            };
            assert_eq!(answer.status, expected, "{name} at {path}");
        }
    }
    // A session of the main host is nobody's at an agent's.
    let host = app.origin.replace("//", "//companion.");
    let host = host.split("//").nth(1).unwrap();
    for cookie in cookies.values() {
        let answer = app
            .call_at(
                host,
                Method::GET,
                "/chat",
                &[("cookie", cookie.as_str())],
                "",
            )
            .await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        assert!(answer.header("location").contains("/auth/login"));
    }
}
