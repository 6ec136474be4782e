//! Our own address, and logs.

use std::net::SocketAddr;

use url::Url;

use super::{ConfigError, Env, env::wrong};

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// Our own address, and logs.
#[derive(Debug, Clone)]
pub struct WebConfig {
    /// As browsers see it; ends with a slash.
    pub base_url: Url,
    /// Where to listen.
    pub bind: SocketAddr,
    /// Where metrics are served; nowhere without one.
    pub metrics: Option<SocketAddr>,
    /// The form of log lines.
    pub log_format: LogFormat,
}

pub(super) fn read(env: &Env) -> Result<WebConfig, ConfigError> {
    Ok(WebConfig {
        base_url: base_url(env)?,
        bind: env.parse("BIND_ADDRESS")?,
        metrics: metrics(env)?,
        log_format: log_format(env)?,
    })
}

fn metrics(env: &Env) -> Result<Option<SocketAddr>, ConfigError> {
    const NAME: &str = "METRICS_ADDRESS";
    env.get(NAME).map(|_| env.parse(NAME)).transpose()
}

/// Only the form of log lines, for commands that need nothing else.
pub(crate) fn log_format(env: &Env) -> Result<LogFormat, ConfigError> {
    match env.require("LOG_FORMAT")? {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err(wrong("LOG_FORMAT", "must be text or json")),
    }
}

fn base_url(env: &Env) -> Result<Url, ConfigError> {
    const NAME: &str = "BASE_URL";
    let url: Url = env.parse(NAME)?;
    let host = url.host_str().unwrap_or_default();
    match url.scheme() {
        _ if host.is_empty() => Err(wrong(
            NAME,
            "must be an address such as https://chat.example.com",
        )),
        _ if url.path() != "/" || url.query().is_some() => Err(wrong(
            NAME,
            "must have no path: the product lives at the root of its host",
        )),
        "https" => Ok(url),
        // A session cookie over plain HTTP could be read on the way.
        "http" if host == "localhost" || host.ends_with(".localhost") || host == "127.0.0.1" => {
            Ok(url)
        }
        _ => Err(wrong(
            NAME,
            "must begin with https:// (http only for localhost)",
        )),
    }
}
