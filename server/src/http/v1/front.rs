//! What holds for every call of the API, whatever becomes of it.

use std::{any::Any, time::Duration};

use axum::{
    Extension, Router,
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Method, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use tower_http::{
    catch_panic::CatchPanicLayer,
    cors::{AllowHeaders, Any as Anywhere, CorsLayer},
};
use uuid::Uuid;

use super::{calls::Calls, error::Failure, reply};

/// How long a browser may remember what other pages may do here.
const REMEMBERED: Duration = Duration::from_secs(86_400);

/// Names the call, to be quoted when something was wrong with it.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Puts it in front of the addresses of the API.
pub(super) fn front<S>(api: Router<S>, calls: &Calls) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    api.layer(CatchPanicLayer::custom(panicked))
        .layer(Extension(calls.clone()))
        .layer(middleware::from_fn_with_state(calls.clone(), under_way))
        .layer(cors())
        .layer(middleware::from_fn(name))
}

/// Gives the response a name, where the call has none of its own.
async fn name(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if !response.headers().contains_key(&REQUEST_ID) {
        let id = Uuid::new_v4();
        if response.status().is_server_error() {
            tracing::warn!(request = %id, status = %response.status(), "a call of the API failed");
        }
        if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
            response.headers_mut().insert(REQUEST_ID, id);
        }
    }
    response
}

/// Pages of any origin may call: only what they send along as a bearer counts here, and no
/// browser does that by itself. `*` would not let `Authorization` through, and the SDKs send
/// headers with names of their own (`x-stainless-…`), so whatever is asked for is allowed.
fn cors() -> CorsLayer {
    let told = reply::rate_names().chain([
        REQUEST_ID,
        header::RETRY_AFTER,
        HeaderName::from_static("idempotent-replayed"),
    ]);
    CorsLayer::new()
        .allow_origin(Anywhere)
        .allow_methods([Method::GET, Method::POST, Method::PATCH, Method::DELETE])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(told.collect::<Vec<_>>())
        .max_age(REMEMBERED)
}

/// Counts the call as under way until its response begins, and refuses it where the server is
/// about to stop.
async fn under_way(State(calls): State<Calls>, request: Request, next: Next) -> Response {
    let _under_way = match calls.enter() {
        Ok(token) => token,
        Err(failure) => return failure.into_response(),
    };
    tokio::select! {
        biased;
        response = next.run(request) => response,
        () = calls.ended() => Failure::stopping().into_response(),
    }
}

fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let words = panic
        .downcast::<String>()
        .map(|words| *words)
        .or_else(|panic| panic.downcast::<&str>().map(|words| (*words).to_owned()));
    tracing::error!(panic = words.ok(), "a call of the API panicked");
    Failure::internal().into_response()
}

#[cfg(test)]
mod tests {
    use axum::{
        body::Body,
        http::{Request, StatusCode},
        routing::get,
    };
    use http_body_util::BodyExt;
    use serde_json::Value;
    use tower::ServiceExt;

    use super::*;
    use crate::http::v1::calls::CallSettings;

    async fn call(api: Router, method: Method) -> (StatusCode, String, Value) {
        let request = Request::builder()
            .method(method)
            .uri("/v1/it")
            .header("origin", "https://a.example")
            .body(Body::empty())
            .unwrap();
        let response = api.oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        assert!(headers.contains_key(REQUEST_ID), "{headers:?}");
        assert_eq!(headers["access-control-allow-origin"], "*");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let code = serde_json::from_slice::<Value>(&body).unwrap_or_default();
        let text = code["error"]["code"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        (status, text, code)
    }

    #[tokio::test]
    async fn a_panic_is_an_error_of_the_api() {
        async fn broken() -> StatusCode {
            panic!("a fault of ours")
        }
        let calls = Calls::new(CallSettings::default());
        let api = front(Router::new().route("/v1/it", get(broken)), &calls);
        let (status, code, body) = call(api, Method::GET).await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(code, "internal_error");
        assert!(!body.to_string().contains("a fault of ours"));
    }

    #[tokio::test]
    async fn a_server_that_stops_takes_no_new_calls_and_ends_the_old() {
        let calls = Calls::new(CallSettings::default());
        let never = Router::new().route("/v1/it", get(std::future::pending::<StatusCode>));
        let api = front(never, &calls);
        let old = tokio::spawn(call(api.clone(), Method::GET));
        while calls.is_idle() {
            tokio::task::yield_now().await;
        }
        calls.drain(Duration::from_millis(1)).await;
        for (status, code, _) in [old.await.unwrap(), call(api, Method::GET).await] {
            assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(code, "server_stopping");
        }
    }
}
