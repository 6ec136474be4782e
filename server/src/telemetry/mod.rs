//! Logs: lines for people, or JSON for machines (`LOG_FORMAT`), filtered by `RUST_LOG`. And what
//! metrics are asked for at the moment of a scrape; `http/metrics.rs` serves them.

pub(crate) mod models;
pub(crate) mod process;

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::LogFormat;

/// Starts logging to standard error; a second call changes nothing. `filter` was checked with the
/// settings.
pub fn start(format: LogFormat, filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = fmt::layer().with_writer(std::io::stderr).with_target(false);
    let registry = tracing_subscriber::registry().with(filter);
    let started = match format {
        LogFormat::Text => registry.with(lines).try_init(),
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).try_init(),
    };
    // Tests start several servers in one process.
    drop(started);
}
