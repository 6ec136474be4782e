//! Background work, one job a file. Every replica runs all of them; each is safe to run
//! anywhere at any time.

mod health;
mod keycloak_events;
mod models;
mod reaper;
mod sessions;
mod sweeper;
mod usage;

use onelastai_app::state::AppState;

/// Starts all jobs; they end with the process.
pub fn start(state: &AppState) {
    tokio::spawn(reaper::run(state.chat.clone()));
    tokio::spawn(usage::run(state.usage.clone()));
    tokio::spawn(sweeper::run(
        state.chat.clone(),
        state.gateway.clone(),
        state.models.clone(),
    ));
    tokio::spawn(health::run(state.router.clone()));
    tokio::spawn(models::run(state.models.clone()));
    tokio::spawn(keycloak_events::run(state.identity.clone()));
    tokio::spawn(sessions::run(state.identity.clone()));
}
