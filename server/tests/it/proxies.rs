//! Whose address counts behind proxies: what sessions, the audit log, API keys that are kept to
//! networks, and the count of tries with wrong keys take for the client's.

use std::net::SocketAddr;

use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{Request, request::Parts},
    routing::get,
};
use http_body_util::BodyExt;
use onelastai_app::session;
use onelastai_server::{
    config::{self, Env},
    http::client,
};
use tower::ServiceExt;

/// What the product takes for the address of a client whose connection comes from `peer`.
async fn seen(proxies: &str, peer: &str, forwarded: Option<&str>) -> String {
    let address = |parts: Parts| async move {
        let address = session::origin(&parts).address;
        address.map_or_else(String::new, |address| address.to_string())
    };
    let settings = config::web(&Env::from_pairs(&[("TRUSTED_PROXIES", proxies)])).unwrap();
    let app = Router::new().route("/", get(address));
    let app = client::behind(app, &settings.trusted_proxies);
    let mut request = Request::builder().uri("/");
    if let Some(forwarded) = forwarded {
        request = request.header("x-forwarded-for", forwarded);
    }
    let mut request = request.body(Body::empty()).unwrap();
    let peer: SocketAddr = peer.parse().unwrap();
    request.extensions_mut().insert(ConnectInfo(peer));
    let answer = app.oneshot(request).await.unwrap();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

#[tokio::test]
async fn without_proxies_it_is_the_peer_whatever_is_claimed() {
    let claimed = Some("203.0.113.9");
    assert_eq!(seen("", "127.0.0.1:4711", claimed).await, "127.0.0.1");
    assert_eq!(seen("", "192.0.2.1:4711", None).await, "192.0.2.1");
}

#[tokio::test]
async fn a_proxy_of_ours_is_believed() {
    let ours = "127.0.0.0/8, 10.0.0.0/8";
    let claimed = Some("203.0.113.9, 10.0.0.7");
    assert_eq!(seen(ours, "127.0.0.1:4711", claimed).await, "203.0.113.9");
    assert_eq!(seen(ours, "127.0.0.1:4711", None).await, "127.0.0.1");
}

#[tokio::test]
async fn nobody_else_is() {
    let claimed = Some("198.51.100.1");
    assert_eq!(
        seen("10.0.0.0/8", "192.0.2.1:1", claimed).await,
        "192.0.2.1"
    );
    // The client wrote the first one itself, and our proxy what it saw.
    let both = Some("198.51.100.1, 192.0.2.1");
    assert_eq!(seen("10.0.0.0/8", "10.0.0.1:1", both).await, "192.0.2.1");
}
