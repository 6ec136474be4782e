//! How every instance of every model is, asked all at once.

use std::{error::Error, io, time::Duration};

use serde::Serialize;
use tokio::time::{Instant, timeout};
use url::Url;

use crate::{
    instance::Instance, providers::Provider, registry::Model, spec::ModelName, state::InstanceState,
};

/// The longest wait for one instance; all are asked at once.
const DEADLINE: Duration = Duration::from_secs(2);

/// One instance of one model, as a health check found it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InstanceHealth {
    /// Our identifier of the model.
    pub model_id: String,
    /// Its name for people.
    pub display_name: String,
    /// Its name at the engine.
    pub engine_model: ModelName,
    /// The instance's address, without credentials.
    pub instance: Url,
    /// Whether the engine answers there.
    pub reachable: bool,
    /// The engine's version.
    pub version: Option<String>,
    /// Whether it has the model.
    pub model_present: bool,
    /// Whether the model is in memory, so that an answer begins at once.
    pub loaded: bool,
    /// How long the engine took to tell its version, in milliseconds; `None` without an answer.
    pub latency_ms: Option<u64>,
    /// How the router sees it.
    pub state: InstanceState,
    /// What is wrong, in words for the operator.
    pub error: Option<String>,
}

impl InstanceHealth {
    /// Whether it can answer: it is there and has the model.
    pub fn is_usable(&self) -> bool {
        self.reachable && self.model_present
    }
}

/// What a provider finds out about an instance.
#[derive(Clone, Debug, Default)]
pub(crate) struct Probe {
    pub(crate) reachable: bool,
    pub(crate) version: Option<String>,
    pub(crate) model_present: bool,
    pub(crate) loaded: bool,
    pub(crate) latency: Option<Duration>,
    pub(crate) error: Option<String>,
}

impl Probe {
    /// Whether the instance can answer: it is there and has the model.
    pub(crate) fn is_usable(&self) -> bool {
        self.reachable && self.model_present
    }
}

/// Asks one instance, and notes the result for the choice.
pub(crate) async fn check(
    provider: &dyn Provider,
    model: &Model,
    instance: &Instance,
) -> InstanceHealth {
    let probe = provider.probe(instance.target(&model.spec));
    let mut probe = timeout(DEADLINE, probe).await.unwrap_or_else(|_| Probe {
        error: Some(format!("no answer within {} s", DEADLINE.as_secs())),
        ..Probe::default()
    });
    probe.latency = probe.latency.filter(|_| probe.reachable);
    let now = Instant::now();
    instance.checked(probe.clone(), now);
    model.pool.checked(now);
    InstanceHealth {
        model_id: model.spec.id.clone(),
        display_name: model.spec.display_name.clone(),
        engine_model: model.spec.engine_name.as_str().into(),
        instance: instance.shown.clone(),
        reachable: probe.reachable,
        version: probe.version,
        model_present: probe.model_present,
        loaded: probe.loaded,
        latency_ms: probe.latency.map(milliseconds),
        state: instance.state(&model.spec, model.pool.queue_length(), now),
        error: probe.error,
    }
}

/// A time in whole milliseconds.
pub(crate) fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Why a request got no answer, in words. Never the address, which may hold credentials.
pub(crate) fn words(error: &reqwest::Error) -> String {
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    let mut innermost = None;
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            match error.kind() {
                io::ErrorKind::ConnectionRefused => {
                    return "nobody listens there (connection refused)".to_owned();
                }
                io::ErrorKind::ConnectionReset => return "it closed the connection".to_owned(),
                _ => {}
            }
        }
        innermost = Some(error);
        cause = error.source();
    }
    match innermost {
        _ if error.is_timeout() => "no connection in time".to_owned(),
        Some(cause) => crate::error::plain(&cause.to_string(), 200),
        None => "the request failed".to_owned(),
    }
}
