//! A stranger gets nothing: every page, every server function, every stream.

use axum::http::{Method, StatusCode};
use leptos::server_fn::axum::server_fn_paths;

use crate::app::App;

const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

#[tokio::test]
async fn the_way_back_from_the_sign_in_is_the_page() {
    let app = App::new(&[]);
    for (path, back) in [
        ("/chat?agent=companion", "/chat%3Fagent%3Dcompanion"),
        (
            "/admin/audit?actor=a&page=2",
            "/admin/audit%3Factor%3Da%26page%3D2",
        ),
    ] {
        let answer = app.get(path).await;
        let expected = format!("/auth/login?return_to={back}");
        assert_eq!(answer.header("location"), expected);
    }
    assert_eq!(app.get("/chat/12").await.status, StatusCode::NOT_FOUND);
    assert_eq!(app.get("/nowhere").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn no_server_function_works_for_a_stranger() {
    let app = App::new(&[]);
    let fields = format!(
        "conversation={ID}&generation={ID}&feedback=good&agent={ID}&user={ID}&api_key={ID}&session={ID}&text=hello&title=mine\
         &key=12345678&slug=companion&based_on=1&version=1&tier=pro"
    );
    let mut count = 0;
    for (path, method) in server_fn_paths() {
        assert_eq!(method, Method::POST, "{path} must not work by a link");
        let answer = app.post(path, &fields).await;
        assert_eq!(
            answer.status,
            StatusCode::UNAUTHORIZED,
            "{path}: {}",
            answer.body
        );
        assert!(
            answer.body.contains("signed_out"),
            "{path}: {}",
            answer.body
        );
        let by_link = app.get(&format!("{path}?{fields}")).await;
        assert_eq!(by_link.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
        count += 1;
    }
    assert!(count >= 18, "the server functions are found");
}

#[tokio::test]
async fn streams_are_closed_to_a_stranger() {
    let app = App::new(&[]);
    for id in [ID, "x", "..%2F"] {
        let answer = app.get(&format!("/api/generations/{id}/events")).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{id}");
    }
}

#[tokio::test]
async fn a_made_up_cookie_is_nobody() {
    let app = App::new(&[]);
    let long = "x".repeat(4000);
    for value in ["x", "", "../../*", "' OR 1=1 --", long.as_str()] {
        let cookie = format!("onelastai_session={value}");
        let headers = [("cookie", cookie.as_str())];
        let path = format!("/api/generations/{ID}/events");
        let answer = app.call(Method::GET, &path, &headers, "").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{value:.20}");
    }
}

#[tokio::test]
async fn no_foreign_page_changes_anything() {
    let app = App::new(&[]);
    let paths = server_fn_paths().map(|(path, _)| path.to_owned());
    let plain = [
        "/auth/logout",
        "/theme",
        "/agents/new",
        "/agents/import",
        "/agents/companion",
        "/account/keys/new",
        "/account/keys/01890a5d-ac96-774b-bcce-b302099a8057",
        "/admin/models",
        "/admin/models/new",
        "/admin/models/a-model",
    ]
    .map(str::to_owned);
    for path in paths.chain(plain) {
        for origin in [
            "https://evil.example",
            "http://chef.localhost:3100",
            "null",
            "",
        ] {
            for kind in ["application/x-www-form-urlencoded", "text/plain"] {
                let mut headers = vec![("content-type", kind)];
                if !origin.is_empty() {
                    headers.push(("origin", origin));
                }
                let answer = app.call(Method::POST, &path, &headers, "theme=dark").await;
                assert_eq!(
                    answer.status,
                    StatusCode::FORBIDDEN,
                    "{path} from {origin:?}"
                );
                assert_eq!(answer.header("set-cookie"), "");
            }
        }
    }
}

#[tokio::test]
async fn while_redis_is_away_nobody_is_anybody() {
    // A port that was just free: nobody listens there.
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let redis = format!("redis://{free}");
    let app = App::new(&[("REDIS_URL", redis.as_str())]);
    let headers = [("cookie", "onelastai_session=x"), ("accept", "text/html")];
    let page = app.call(Method::GET, "/chat", &headers, "").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(page.body.contains("can't be reached"), "{}", page.body);
    assert_eq!(page.header("retry-after"), "5");
    let events = format!("/api/generations/{ID}/events");
    for path in ["/auth/login", &events] {
        let answer = app.call(Method::GET, path, &headers, "").await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert_eq!(answer.header("retry-after"), "5", "{path}");
    }
}
