//! How the models are, for metrics: asked of the router at the moment of the scrape.

use std::fmt;

use onelastai_model_router::{Health, InstanceState, ModelRouter};
use prometheus_client::{collector::Collector, encoding::DescriptorEncoder, metrics::MetricType};

/// The instances of a router.
#[derive(Debug)]
pub(crate) struct Models(pub(crate) ModelRouter);

type Gauge = (
    &'static str,
    &'static str,
    fn(&InstanceState) -> Option<f64>,
);

/// Name, help and value. No value: there is no such line.
const GAUGES: [Gauge; 8] = [
    (
        "onelastai_model_instance_up",
        "Whether the last check found the engine there, with the model",
        |it| {
            let check = it.last_check.as_ref()?;
            Some(flag(check.reachable && check.model_present))
        },
    ),
    (
        "onelastai_model_instance_loaded",
        "Whether the last check found the model in memory",
        |it| it.last_check.as_ref().map(|check| flag(check.loaded)),
    ),
    (
        "onelastai_model_instance_in_flight",
        "Answers under way through this server",
        |it| Some(f64::from(it.in_flight)),
    ),
    (
        "onelastai_model_instance_slots",
        "Answers that it gives at once",
        |it| Some(f64::from(it.slots)),
    ),
    (
        "onelastai_model_instance_breaker_open",
        "Whether others are asked in its place since it failed",
        |it| Some(flag(it.health != Health::Well)),
    ),
    (
        "onelastai_model_instance_draining",
        "Whether an operator has taken it out of service",
        |it| Some(flag(it.draining)),
    ),
    (
        "onelastai_model_instance_time_to_first_token_seconds",
        "Moving average of the time to the first token",
        |it| it.first_token_ms.map(seconds),
    ),
    (
        "onelastai_model_instance_check_duration_seconds",
        "How long the engine took to answer the last check",
        |it| it.last_check.as_ref()?.latency_ms.map(seconds),
    ),
];

impl Collector for Models {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let states = self.0.snapshot();
        for (name, help, value) in GAUGES {
            let mut gauge = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for state in &states {
                let Some(value) = value(state) else { continue };
                let instance = state.instance.as_str().trim_end_matches('/');
                let labels = [("model", state.model_id.as_str()), ("instance", instance)];
                gauge.encode_family(&labels)?.encode_gauge(&value)?;
            }
        }
        let (name, help) = (
            "onelastai_model_queue_length",
            "Requests that wait for a slot",
        );
        let mut gauge = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        let mut last = None;
        for state in &states {
            // A queue is a model's; its instances come one after the other.
            if last == Some(&state.model_id) {
                continue;
            }
            last = Some(&state.model_id);
            let length = i64::try_from(state.queue_length).unwrap_or(i64::MAX);
            let labels = [("model", state.model_id.as_str())];
            gauge.encode_family(&labels)?.encode_gauge(&length)?;
        }
        Ok(())
    }
}

fn flag(is: bool) -> f64 {
    if is { 1.0 } else { 0.0 }
}

fn seconds(milliseconds: u64) -> f64 {
    std::time::Duration::from_millis(milliseconds).as_secs_f64()
}
