//! `onelastai models …`

use clap::Subcommand;
use onelastai_model_router::{ModelRouter, RouterConfig};

use super::{
    Done,
    output::{self, Row},
};

/// The models.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Ask every instance of every model whether it is well.
    Health,
}

pub(super) async fn run(command: &Command, config: RouterConfig, json: bool) -> Done {
    match command {
        Command::Health => {
            let health = ModelRouter::new(config)?.health().await;
            if json {
                output::json(&health);
                let ok = health
                    .iter()
                    .all(onelastai_model_router::InstanceHealth::is_usable);
                return Ok(if ok { 0 } else { 1 }.into());
            }
            Ok(output::report(&rows(&health), false))
        }
    }
}

/// One row for each instance.
pub(super) fn rows(health: &[onelastai_model_router::InstanceHealth]) -> Vec<Row> {
    health
        .iter()
        .map(|it| {
            let detail = match &it.error {
                Some(error) => error.clone(),
                None => format!(
                    "{} at {}, Ollama {}, {}{}",
                    it.engine_model,
                    it.instance,
                    it.version.as_deref().unwrap_or("of unknown version"),
                    if it.loaded { "loaded" } else { "not loaded" },
                    it.latency_ms
                        .map(|ms| format!(", {ms} ms"))
                        .unwrap_or_default(),
                ),
            };
            Row::new(format!("model {}", it.display_name), it.is_usable(), detail)
        })
        .collect()
}
