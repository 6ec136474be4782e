//! `onelastai serve`

use std::{net::SocketAddr, process::ExitCode, sync::Arc, time::Duration};

use axum::middleware;
use onelastai_app::state::AppState;
use onelastai_chat::ChatSettings;
use onelastai_model_router::ModelRouter;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::oneshot,
};

use super::Done;
use crate::{
    config::Config,
    http::{
        self, CallSettings, Calls, ListenSettings,
        metrics::{self, Metrics},
    },
    services, site, worker,
};

/// How long running answers may go on after the signal to stop.
const DRAIN: Duration = Duration::from_secs(20);
/// How long what was used may take to be written down.
const WRITE: Duration = Duration::from_secs(5);
/// How long connections may take to close after that.
const CLOSE: Duration = Duration::from_secs(5);

pub(super) async fn run(config: &Config) -> Done {
    let state = AppState::from(services::build(config, ChatSettings::default())?);
    site::check(&state.leptos_options).map_err(|error| format!("SITE_ROOT: {error}"))?;
    let bind = config.web.bind;
    let listener = TcpListener::bind(bind)
        .await
        .map_err(|error| format!("BIND_ADDRESS: can't listen on {bind}: {error}"))?;
    worker::start(&state);
    let (chat, usage) = (state.chat.clone(), state.usage.clone());
    let calls = Calls::new(CallSettings::default());
    let last = usage.clone();
    let counted = config
        .web
        .metrics
        .map(|address| measure(address, &state.router));
    let app = http::router_with(state, &calls);
    let mut app = http::client::behind(app, &config.web.trusted_proxies);
    if let Some(metrics) = counted {
        app = app.layer(middleware::from_fn_with_state(metrics, metrics::count));
    }
    tracing::info!(address = %bind, url = %config.web.base_url, "serving");

    let (closing, closed) = oneshot::channel();
    let stop = async move {
        stop_signal().await;
        tracing::info!("finishing the answers that are being written");
        tokio::join!(chat.drain(DRAIN), calls.drain(DRAIN));
        if !usage.drain(WRITE).await {
            tracing::error!("usage is left that isn't written down: another server will");
        }
        // Nobody waits for this when the server is gone already.
        let _ = closing.send(());
    };
    tokio::select! {
        () = http::serve(listener, app, ListenSettings::default(), stop) => {}
        () = async { drop(closed.await); tokio::time::sleep(CLOSE).await } => {
            tracing::warn!("some connections did not close in time");
        }
    }
    // What the API was still answering when its connections were closed.
    if !last.drain(WRITE).await {
        tracing::error!("usage is left that isn't written down: another server will");
    }
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

/// Counts, and tells whoever asks at `address`.
fn measure(address: SocketAddr, router: &ModelRouter) -> Arc<Metrics> {
    let metrics = Arc::new(Metrics::new(router));
    tokio::spawn(metrics::serve(address, Arc::clone(&metrics)));
    let (counting, router) = (Arc::clone(&metrics), router.clone());
    tokio::spawn(async move { counting.count_health_changes(router).await });
    metrics
}

async fn stop_signal() {
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = terminated => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
