//! `onelastai keycloak …`

use clap::Subcommand;
use onelastai_db::connect_lazy;
use onelastai_identity::KeycloakHealth;

use super::{
    Done,
    output::{self, Row},
};
use crate::{config::Config, services};

/// Keycloak.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Look whether Keycloak is there and set up as we need it.
    Health,
}

pub(super) async fn run(command: &Command, config: &Config, json: bool) -> Done {
    match command {
        Command::Health => {
            let pool = connect_lazy(&config.database.pool())?;
            let health = services::identity(config, pool)?.health().await;
            Ok(output::report(&rows(&health), json))
        }
    }
}

/// One row for each thing that was looked at.
pub(super) fn rows(health: &KeycloakHealth) -> Vec<Row> {
    health
        .checks
        .iter()
        .map(|check| {
            Row::new(
                format!("keycloak {}", check.name),
                check.ok,
                check.detail.clone(),
            )
        })
        .collect()
}
