//! Our own address, the site's files, and logs.

use std::net::SocketAddr;

use onelastai_access::IpNetwork;
use tracing_subscriber::EnvFilter;
use url::{Host, Url};

use super::{ConfigError, Env, env::wrong};

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// Our own address, the site's files, and logs.
#[derive(Debug, Clone)]
pub struct WebConfig {
    /// As browsers see it; ends with a slash.
    pub base_url: Url,
    /// Where to listen.
    pub bind: SocketAddr,
    /// The proxies whose word counts about where a request comes from.
    pub trusted_proxies: Vec<IpNetwork>,
    /// The folder of the site's files.
    pub site_root: String,
    /// Where metrics are served; nowhere without one.
    pub metrics: Option<SocketAddr>,
    /// The form of log lines.
    pub log_format: LogFormat,
    /// What is logged, as `tracing` writes filters.
    pub log_filter: String,
}

pub(super) fn read(env: &Env) -> Result<WebConfig, ConfigError> {
    Ok(WebConfig {
        base_url: base_url(env)?,
        bind: env.parse("BIND_ADDRESS")?,
        trusted_proxies: trusted_proxies(env)?,
        site_root: site_root(env)?,
        metrics: metrics(env)?,
        log_format: log_format(env)?,
        log_filter: log_filter(env)?,
    })
}

fn metrics(env: &Env) -> Result<Option<SocketAddr>, ConfigError> {
    const NAME: &str = "METRICS_ADDRESS";
    env.get(NAME)?.map(|_| env.parse(NAME)).transpose()
}

fn trusted_proxies(env: &Env) -> Result<Vec<IpNetwork>, ConfigError> {
    const NAME: &str = "TRUSTED_PROXIES";
    let list = env.get(NAME)?.unwrap_or_default();
    let texts = list
        .split(',')
        .map(str::trim)
        .filter(|text| !text.is_empty());
    texts
        .map(|text| match text.parse::<IpNetwork>() {
            Ok(network) if network.prefix() == 0 => Err(wrong(
                NAME,
                "would trust everybody: then any address could be claimed",
            )),
            Ok(network) => Ok(network),
            Err(error) => Err(wrong(NAME, &format!("has {text:?}: {error}"))),
        })
        .collect()
}

/// What is set, or what lies beside the program, or what a build leaves.
fn site_root(env: &Env) -> Result<String, ConfigError> {
    if let Some(given) = env.get("SITE_ROOT")? {
        return Ok(given.to_owned());
    }
    let beside = crate::site::program_folder().join("site");
    let found = beside.to_str().filter(|_| beside.is_dir());
    Ok(found.unwrap_or("target/site").to_owned())
}

fn log_filter(env: &Env) -> Result<String, ConfigError> {
    const NAME: &str = "RUST_LOG";
    let filter = env.get(NAME)?.unwrap_or("info");
    EnvFilter::try_new(filter)
        .map(|_| filter.to_owned())
        .map_err(|error| wrong(NAME, &format!("is {filter:?}: {error}")))
}

/// Only the form of log lines, for commands that need nothing else.
pub(crate) fn log_format(env: &Env) -> Result<LogFormat, ConfigError> {
    match env.require("LOG_FORMAT")? {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err(wrong("LOG_FORMAT", "must be text or json")),
    }
}

/// Our own address; ends with a slash.
pub(super) fn base_url(env: &Env) -> Result<Url, ConfigError> {
    const NAME: &str = "BASE_URL";
    let url: Url = env.parse(NAME)?;
    if url.host_str().unwrap_or_default().is_empty() {
        return Err(wrong(
            NAME,
            "must be an address such as https://chat.example.com",
        ));
    }
    if url.path() != "/" || url.query().is_some() {
        return Err(wrong(
            NAME,
            "must have no path: the product lives at the root of its host",
        ));
    }
    if !is_safe(&url) {
        return Err(wrong(
            NAME,
            "must begin with https:// (http only for localhost)",
        ));
    }
    Ok(url)
}

/// Whether what must stay secret can go there: plain HTTP could be read on the way to another
/// machine.
pub(super) fn is_safe(url: &Url) -> bool {
    match (url.scheme(), url.host()) {
        ("https", Some(_)) => true,
        ("http", Some(Host::Domain(name))) => name == "localhost" || name.ends_with(".localhost"),
        ("http", Some(Host::Ipv4(address))) => address.is_loopback(),
        ("http", Some(Host::Ipv6(address))) => address.is_loopback(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_stays_on_the_machine() {
        let safe = |text: &str| is_safe(&text.parse().unwrap());
        for good in [
            "https://id.example.com",
            "http://localhost:8180",
            "http://chef.localhost",
            "http://127.0.0.1:8180",
            "http://[::1]",
        ] {
            assert!(safe(good), "{good}");
        }
        for bad in [
            "http://id.example.com",
            "http://localhost.example.com",
            "http://10.0.0.1",
            "http://[2001:db8::1]",
            "ftp://localhost",
            "mailto:me@localhost",
        ] {
            assert!(!safe(bad), "{bad}");
        }
    }

    #[test]
    fn the_site_is_where_it_is_said_to_be() {
        let root = |pairs: &[(&str, &str)]| site_root(&Env::from_pairs(pairs)).unwrap();
        assert_eq!(root(&[("SITE_ROOT", "/srv/site")]), "/srv/site");
        // No site lies beside the program of these tests.
        assert_eq!(root(&[]), "target/site");
    }

    #[test]
    fn proxies_are_networks() {
        let proxies = |list: &str| trusted_proxies(&Env::from_pairs(&[("TRUSTED_PROXIES", list)]));
        assert_eq!(proxies(""), Ok(vec![]));
        let found = proxies("10.0.0.0/8, ::1,192.0.2.7,").unwrap();
        let texts: Vec<_> = found.iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["10.0.0.0/8", "::1/128", "192.0.2.7/32"]);
        for bad in ["nginx", "10.0.0.0/33", "0.0.0.0/0", "::/0"] {
            let error = proxies(bad).unwrap_err().to_string();
            assert!(error.starts_with("TRUSTED_PROXIES "), "{error}");
        }
    }
}
