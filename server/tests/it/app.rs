//! The very router of the product, called without a socket.

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode},
};
use http_body_util::BodyExt;
use onelastai_app::state::AppState;
use onelastai_chat::ChatSettings;
use onelastai_server::{
    config::{Config, Env},
    http::{self, CallSettings, Calls},
    services,
};
use tower::ServiceExt;

/// What came back.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

pub struct App {
    pub router: Router,
    pub state: AppState,
    pub calls: Calls,
    pub origin: String,
}

impl App {
    /// On the services of the environment; its own database is up to date, but a pool can't
    /// be handed in, so pages that need the database belong to the browser tests.
    pub fn new(change: &[(&str, &str)]) -> Self {
        Self::with_calls(change, CallSettings::default())
    }

    /// The same, with other limits to how long an answer of the API may stand still.
    pub fn with_calls(change: &[(&str, &str)], settings: CallSettings) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let names = [
            "DATABASE_URL",
            "REDIS_URL",
            "KEYCLOAK_URL",
            "KEYCLOAK_REALM",
            "KEYCLOAK_CLIENT_ID",
            "KEYCLOAK_CLIENT_SECRET",
            "KEYCLOAK_BACKEND_CLIENT_SECRET",
            "BASE_URL",
            "OLLAMA_URLS",
            "OLLAMA_MODEL",
        ];
        let given: Vec<_> = names
            .iter()
            .map(|name| {
                let value = std::env::var(name);
                (
                    *name,
                    value.unwrap_or_else(|_| panic!("{name} is not set: run by ./dev test unit")),
                )
            })
            .collect();
        let mut pairs: Vec<_> = given
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        pairs.extend_from_slice(change);
        let config = Config::read(&Env::from_pairs(&pairs)).unwrap();
        let mut services = services::build(&config, ChatSettings::default()).unwrap();
        // The list of hashes lies beside the program, not beside its tests.
        services.leptos_options.hash_files = false;
        let state = AppState::from(services);
        let origin = config.web.base_url.origin().ascii_serialization();
        let calls = Calls::new(settings);
        Self {
            router: http::router_with(state.clone(), &calls),
            state,
            calls,
            origin,
        }
    }

    pub async fn call(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let host = self.origin.split("//").nth(1).unwrap();
        self.call_at(host, method, path, headers, body).await
    }

    /// The same at another host, such as an agent's.
    pub async fn call_at(
        &self,
        host: &str,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", host);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let (parts, body) = self
            .router
            .clone()
            .oneshot(request)
            .await
            .unwrap()
            .into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8_lossy(&body).into_owned(),
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, &[("accept", "text/html")], "")
            .await
    }

    /// A form of our own page.
    pub async fn post(&self, path: &str, body: &str) -> Answer {
        let headers = [
            ("origin", self.origin.as_str()),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        self.call(Method::POST, path, &headers, body).await
    }
}
