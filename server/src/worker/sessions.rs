//! Notes the end of sessions that ran out.

use std::time::Duration;

use onelastai_identity::IdentityService;
use tokio::time::{MissedTickBehavior, interval};

/// Nobody waits for it: who looks at their sessions sees only those that live.
const EVERY: Duration = Duration::from_secs(300);

pub(super) async fn run(identity: IdentityService) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = identity.sweep_sessions().await {
            tracing::warn!(%error, "can't look for sessions that ran out");
        }
    }
}
