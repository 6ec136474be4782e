//! `/metrics` for Prometheus, on an address of its own: text format 0.0.4
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>).

use std::{future::pending, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{MatchedPath, Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
    routing::get,
};
use onelastai_model_router::ModelRouter;
use prometheus_client::{
    encoding::{EncodeLabelSet, prometheus_text},
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};
use tokio::{net::TcpListener, sync::broadcast::error::RecvError, time::sleep};

use super::{ListenSettings, listen};
use crate::telemetry::{models::Models, process::Process};

/// Where the address is taken, as by the server whose place this one takes.
const RETRY: Duration = Duration::from_secs(2);

/// What is counted, and whom to ask for the rest when somebody wants to know.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    health_changes: Family<ChangeLabels, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    /// The pattern of the address, so that there are few; `none` where there is none.
    route: String,
    /// `2xx` and so on.
    status: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ChangeLabels {
    model: String,
    instance: String,
    to: &'static str,
}

impl Metrics {
    /// Over the models of `router`.
    #[must_use]
    pub fn new(router: &ModelRouter) -> Self {
        let mut registry = Registry::default();
        let (requests, health_changes) = (Family::default(), Family::default());
        registry.register(
            "onelastai_http_requests",
            "Requests that were answered, by the pattern of their address",
            requests.clone(),
        );
        registry.register(
            "onelastai_model_health_changes",
            "How often an instance became well, was ejected or was tried again",
            health_changes.clone(),
        );
        registry.register_collector(Box::new(Models(router.clone())));
        registry.register_collector(Box::new(Process));
        Self {
            registry,
            requests,
            health_changes,
        }
    }

    /// Counts changes of health until the router is gone.
    pub async fn count_health_changes(&self, router: ModelRouter) {
        let mut events = router.events();
        loop {
            match events.recv().await {
                Ok(change) => {
                    let labels = ChangeLabels {
                        model: change.model_id,
                        instance: change.instance.as_str().trim_end_matches('/').to_owned(),
                        to: change.to.as_str(),
                    };
                    self.health_changes.get_or_create(&labels).inc();
                }
                Err(RecvError::Lagged(missed)) => {
                    tracing::warn!(missed, "changes of health were not counted");
                }
                Err(RecvError::Closed) => return,
            }
        }
    }
}

/// Counts a request; for all routes.
pub async fn count(State(metrics): State<Arc<Metrics>>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or("none", MatchedPath::as_str).to_owned();
    let response = next.run(request).await;
    let status = match response.status().as_u16() {
        ..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        500.. => "5xx",
    };
    let labels = RequestLabels { route, status };
    metrics.requests.get_or_create(&labels).inc();
    response
}

/// Serves `/metrics`, and nothing else, as long as the process lives. That the address is taken
/// keeps nobody from being served: it is tried again.
pub async fn serve(address: SocketAddr, metrics: Arc<Metrics>) {
    let app = Router::new()
        .route("/metrics", get(show))
        .with_state(metrics);
    let mut said = false;
    loop {
        let done = match TcpListener::bind(address).await {
            Ok(listener) => {
                tracing::info!(%address, "serving metrics");
                said = false;
                let (app, settings) = (app.clone(), ListenSettings::default());
                listen::serve(listener, app, settings, pending()).await;
                Ok(())
            }
            Err(error) => Err(error),
        };
        if let Err(error) = done
            && !std::mem::replace(&mut said, true)
        {
            tracing::error!(%address, %error, "METRICS_ADDRESS: can't serve metrics yet");
        }
        sleep(RETRY).await;
    }
}

async fn show(State(metrics): State<Arc<Metrics>>) -> Response {
    let mut text = String::new();
    match prometheus_text::encode(&mut text, &metrics.registry) {
        Ok(()) => (
            [(header::CONTENT_TYPE, prometheus_text::CONTENT_TYPE)],
            text,
        )
            .into_response(),
        Err(error) => {
            tracing::error!(%error, "can't write the metrics");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, middleware};
    use http_body_util::BodyExt;
    use onelastai_model_router::{ModelSpec, RouterConfig};
    use tower::ServiceExt;

    use super::*;

    fn router() -> ModelRouter {
        let nobody = "http://user:canary@127.0.0.1:9/".parse().unwrap();
        ModelRouter::new(RouterConfig {
            models: vec![ModelSpec::ollama("m", "engine:1b", vec![nobody])],
            ..RouterConfig::default()
        })
        .unwrap()
    }

    async fn shown(metrics: &Arc<Metrics>) -> String {
        let response = show(State(Arc::clone(metrics))).await;
        let body = response.into_body().collect().await.unwrap().to_bytes();
        String::from_utf8(body.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn what_a_check_finds_is_there_at_the_next_look() {
        let router = router();
        let metrics = Arc::new(Metrics::new(&router));
        let counting = {
            let (metrics, router) = (Arc::clone(&metrics), router.clone());
            tokio::spawn(async move { metrics.count_health_changes(router).await })
        };
        let before = shown(&metrics).await;
        let labels = r#"{model="m",instance="http://127.0.0.1:9"}"#;
        assert!(
            before.contains(&format!("onelastai_model_instance_slots{labels} 1.0\n")),
            "{before}"
        );
        assert!(!before.contains("instance_up{"), "nobody has looked yet");
        // It listens once it has been polled.
        tokio::task::yield_now().await;
        router.health().await;
        let changed = r#"onelastai_model_health_changes_total{model="m",instance="http://127.0.0.1:9",to="ejected"} 1"#;
        let waiting = async {
            while !shown(&metrics).await.contains(changed) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), waiting)
            .await
            .unwrap();
        let after = shown(&metrics).await;
        assert!(
            after.contains(&format!("onelastai_model_instance_up{labels} 0.0\n")),
            "{after}"
        );
        assert!(after.contains(&format!(
            "onelastai_model_instance_breaker_open{labels} 1.0\n"
        )));
        assert!(after.contains("onelastai_model_queue_length{model=\"m\"} 0\n"));
        assert!(!after.contains("canary"));
        counting.abort();
    }

    #[tokio::test]
    async fn requests_are_counted_by_pattern_and_class() {
        let metrics = Arc::new(Metrics::new(&router()));
        let app = Router::new()
            .route("/agents/{slug}", get(|| async { StatusCode::IM_A_TEAPOT }))
            .fallback(|| async { "files" })
            .layer(middleware::from_fn_with_state(Arc::clone(&metrics), count));
        for path in ["/agents/a", "/agents/b", "/x", "/y"] {
            let request = Request::get(path).body(Body::empty()).unwrap();
            app.clone().oneshot(request).await.unwrap();
        }
        let text = shown(&metrics).await;
        for line in [
            "# TYPE onelastai_http_requests_total counter",
            r#"onelastai_http_requests_total{route="/agents/{slug}",status="4xx"} 2"#,
            r#"onelastai_http_requests_total{route="none",status="2xx"} 2"#,
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
    }
}
