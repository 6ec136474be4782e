//! Settles the answers whose server went away.

use std::time::Duration;

use onelastai_chat::ChatService;
use tokio::time::{MissedTickBehavior, interval};

/// A third of a lease: an abandoned answer is settled soon after its lease ran out.
const EVERY: Duration = Duration::from_secs(5);

pub(super) async fn run(chat: ChatService) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = chat.reap().await {
            tracing::warn!(%error, "can't look for abandoned answers");
        }
    }
}
