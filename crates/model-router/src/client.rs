//! The HTTP clients that models are reached with.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use reqwest::redirect;
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use rustls_platform_verifier::BuilderVerifierExt;

use url::Url;

use crate::{egress::Resolver, error::RouterError};

/// Connections to one server that are kept for the next requests. With fewer than there are
/// requests at once, every other one would open a new connection.
const IDLE: usize = 1024;

/// One client for plain HTTP, and one for TLS as soon as an instance needs it: on a system
/// without root certificates everything else still works.
#[derive(Debug)]
pub(crate) struct Clients {
    connect_timeout: Duration,
    plain: reqwest::Client,
    tls: OnceLock<reqwest::Client>,
}

impl Clients {
    pub(crate) fn new(connect_timeout: Duration) -> Result<Self, RouterError> {
        Ok(Self {
            connect_timeout,
            plain: build(connect_timeout, false)?,
            tls: OnceLock::new(),
        })
    }

    /// Makes ready for instances behind TLS.
    pub(crate) fn prepare_tls(&self) -> Result<(), RouterError> {
        if self.tls.get().is_none() {
            // Whoever else was as quick made the same one.
            let _ = self.tls.set(build(self.connect_timeout, true)?);
        }
        Ok(())
    }

    /// The client for this address.
    pub(crate) fn of(&self, address: &Url) -> &reqwest::Client {
        match self.tls.get() {
            Some(tls) if address.scheme() == "https" => tls,
            _ => &self.plain,
        }
    }
}

/// Builds the client: HTTP/1.1 (as Ollama speaks), kept-alive connections, no redirects, no
/// proxy from the environment, no metadata services, and no whole-request deadline, since answers are long.
///
/// TLS is handed in ready-made: without a process-wide crypto provider `reqwest` panics here,
/// even for plain HTTP, and a library has no business installing one. Root certificates are read
/// only for `https`.
fn build(connect_timeout: Duration, https: bool) -> Result<reqwest::Client, RouterError> {
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?;
    let tls = if https {
        tls.with_platform_verifier()?
    } else {
        tls.with_root_certificates(RootCertStore::empty())
    };
    Ok(reqwest::Client::builder()
        .tls_backend_preconfigured(tls.with_no_client_auth())
        .http1_only()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .dns_resolver(Arc::new(Resolver))
        .referer(false)
        .connect_timeout(connect_timeout)
        .tcp_nodelay(true)
        .tcp_keepalive(Duration::from_secs(30))
        .pool_idle_timeout(Duration::from_secs(60))
        .pool_max_idle_per_host(IDLE)
        .build()?)
}
