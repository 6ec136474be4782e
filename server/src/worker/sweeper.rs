//! Forgets what is kept for a time only.

use std::time::Duration;

use onelastai_chat::ChatService;
use onelastai_gateway::GatewayService;
use onelastai_models::ModelService;
use tokio::time::{MissedTickBehavior, interval};

/// What is kept is kept for a day or longer.
const EVERY: Duration = Duration::from_secs(3600);

pub(super) async fn run(chat: ChatService, gateway: GatewayService, models: ModelService) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = gateway.sweep_idempotency().await {
            tracing::warn!(%error, "can't forget the answers to idempotent requests");
        }
        if let Err(error) = gateway.sweep_responses().await {
            tracing::warn!(%error, "can't forget the answers that were kept for a month");
        }
        if let Err(error) = models.sweep().await {
            tracing::warn!(%error, "can't forget the models that were removed");
        }
        if let Err(error) = chat.sweep_deleted().await {
            tracing::warn!(%error, "can't forget the conversations that were deleted");
        }
    }
}
