//! The one HTTP client all models are reached with.

use std::{sync::Arc, time::Duration};

use reqwest::redirect;
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use rustls_platform_verifier::BuilderVerifierExt;

use crate::error::RouterError;

/// Builds the client: HTTP/1.1 (as Ollama speaks), kept-alive connections, no redirects, no
/// proxy from the environment, and no whole-request deadline, since answers are long.
///
/// TLS is handed in ready-made: without a process-wide crypto provider `reqwest` panics here,
/// even for plain HTTP, and a library has no business installing one. Root certificates are read
/// only if `https` says that an instance needs them, so that a system without any still starts.
pub(crate) fn build(
    connect_timeout: Duration,
    https: bool,
) -> Result<reqwest::Client, RouterError> {
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
        .referer(false)
        .connect_timeout(connect_timeout)
        .tcp_nodelay(true)
        .tcp_keepalive(Duration::from_secs(30))
        .pool_idle_timeout(Duration::from_secs(60))
        .pool_max_idle_per_host(32)
        .build()?)
}
