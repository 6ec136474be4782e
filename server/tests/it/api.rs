//! The API: every address of its description, asked by whoever should get nothing there.

use axum::http::{Method, StatusCode};
use onelastai_server::http;
use serde_json::Value;

use crate::app::{Answer, App};

/// What somebody might send in place of a good key, or beside one.
const WRONG: &[&str] = &[
    "",
    "Bearer",
    "Bearer ",
    "Bearer ola_wrong",
    "Bearer ola_00000000000000000000000000000000000000000000",
    "Bearer ' OR '1'='1",
    "Bearer ola_' OR 1=1 --",
    "Bearer ola_'; DROP TABLE api_keys; --",
    "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.",
    "Bearer ../../etc/passwd",
    "Basic YWRtaW46YWRtaW4=",
    "ola_wrong",
];

/// Every address of the API with every method that it takes.
fn addresses() -> Vec<(Method, String)> {
    let description = http::description();
    let paths = description["paths"].as_object().unwrap();
    let mut all = Vec::new();
    for (path, methods) in paths {
        let path = path.replace("{id}", "01890a5d-ac96-774b-bcce-b302099a8057");
        for method in methods.as_object().unwrap().keys() {
            all.push((method.to_uppercase().parse().unwrap(), path.clone()));
        }
    }
    assert!(all.len() >= 10, "{all:?}");
    all
}

#[test]
fn every_parameter_is_where_it_is_said_to_be() {
    let description = http::description();
    for (path, methods) in description["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            for it in operation["parameters"].as_array().into_iter().flatten() {
                let name = it["name"].as_str().unwrap();
                let in_path = path.contains(&format!("{{{name}}}"));
                assert_eq!(it["in"] == "path", in_path, "{method} {path}: {name}");
            }
        }
    }
}

fn error(answer: &Answer) -> Value {
    assert_eq!(answer.header("content-type"), "application/json");
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert!(body["error"]["message"].is_string(), "{body}");
    body["error"].clone()
}

#[tokio::test]
async fn without_a_good_credential_there_is_nothing() {
    let app = App::new(&[]);
    for (method, path) in addresses() {
        for wrong in WRONG {
            let headers = [
                ("authorization", *wrong),
                ("cookie", "onelastai_session=anything"),
                ("x-api-key", "ola_wrong"),
                ("api-key", "ola_wrong"),
            ];
            let answer = app.call(method.clone(), &path, &headers, "{}").await;
            assert_eq!(
                answer.status,
                StatusCode::UNAUTHORIZED,
                "{method} {path} with {wrong:?}"
            );
            assert_eq!(answer.header("www-authenticate"), "Bearer");
            assert_eq!(error(&answer)["code"], "invalid_api_key");
        }
        let none = app.call(method.clone(), &path, &[], "{}").await;
        assert_eq!(none.status, StatusCode::UNAUTHORIZED, "{method} {path}");
    }
}

#[tokio::test]
async fn a_missing_address_and_a_wrong_method_are_errors_of_the_api() {
    let app = App::new(&[]);
    let missing = app.call(Method::GET, "/v1/nothing", &[], "").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    assert_eq!(error(&missing)["code"], "unknown_url");
    let wrong = app.call(Method::GET, "/v1/chat/completions", &[], "").await;
    assert_eq!(wrong.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(error(&wrong)["code"], "method_not_allowed");
}

#[tokio::test]
async fn the_description_and_its_page_are_for_everybody() {
    let app = App::new(&[]);
    let json = app.get("/openapi.json").await;
    assert_eq!(json.status, StatusCode::OK);
    let document: Value = serde_json::from_str(&json.body).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let page = app.get("/docs").await;
    assert_eq!(page.status, StatusCode::OK);
    for path in document["paths"].as_object().unwrap().keys() {
        assert!(page.body.contains(path.as_str()), "{path} is on the page");
    }
}
