//! `onelastai models …`

use clap::Subcommand;
use std::time::Duration;

use onelastai_db::connect_lazy;
use onelastai_model_router::{InstanceHealth, ModelRouter};

use super::{
    Done, Failure,
    output::{self, Row},
};
use crate::{
    config::{self, Env},
    services,
};

/// The longest wait for the database.
const PATIENCE: Duration = Duration::from_secs(5);

/// The models.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Ask every instance of every model whether it is well, also of those added on the page of
    /// the models.
    ///
    /// Slots, queue and breaker are those of this command, not of a server that runs.
    Health,
}

pub(super) async fn run(command: &Command, env: &Env, json: bool) -> Done {
    match command {
        Command::Health => {
            let router = ModelRouter::new(config::models(env)?)?;
            if let Err(error) = add_stored(env, &router).await {
                output::error(&format!("only the settings' models: {error}"));
            }
            let health = router.health().await;
            if json {
                output::json(&health);
                let ok = health.iter().all(InstanceHealth::is_usable);
                return Ok(if ok { 0 } else { 1 }.into());
            }
            Ok(output::report(&rows(&health), false))
        }
    }
}

/// Gives the router what the database has. Without one there are still the models of the settings.
pub(super) async fn add_stored(env: &Env, router: &ModelRouter) -> Result<(), Failure> {
    let pool = connect_lazy(&config::database(env)?.pool())?;
    let (redis_url, key) = (config::redis_url(env)?, config::secrets_key(env)?);
    let models = services::models(&redis_url, key.as_ref(), pool, router.clone())?;
    tokio::time::timeout(PATIENCE, models.reload())
        .await
        .map_err(|_| "no answer from the database within 5 s")??;
    Ok(())
}

/// One row for each instance.
pub(super) fn rows(health: &[InstanceHealth]) -> Vec<Row> {
    let row = |it: &InstanceHealth| {
        let what = format!("model {}", it.display_name);
        Row::new(what, it.is_usable(), detail(it))
    };
    health.iter().map(row).collect()
}

fn detail(it: &InstanceHealth) -> String {
    let mut parts = vec![format!("{} at {}", it.engine_model, it.instance)];
    if !it.reachable {
        parts.push("not reachable".to_owned());
    } else if !it.model_present {
        parts.push("model missing".to_owned());
    } else {
        parts.push(if it.loaded { "loaded" } else { "not loaded" }.to_owned());
    }
    parts.extend(
        it.version
            .iter()
            .map(|version| format!("version {version}")),
    );
    parts.extend(it.latency_ms.map(|ms| format!("{ms} ms")));
    let state = &it.state;
    parts.push(format!(
        "{} of {} slots taken",
        state.in_flight, state.slots
    ));
    parts.push(format!("{} waiting", state.queue_length));
    parts.push(match state.failures {
        0 => format!("breaker {}", state.health.as_str()),
        failures => format!(
            "breaker {} after {failures} failures",
            state.health.as_str()
        ),
    });
    if state.draining {
        parts.push("draining".to_owned());
    }
    parts.extend(state.last_error.map(|code| format!("last error {code}")));
    parts.extend(it.error.clone());
    parts.join(", ")
}
