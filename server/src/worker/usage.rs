//! Settles the requests whose server went away.

use std::time::Duration;

use onelastai_usage::UsageService;
use tokio::time::{MissedTickBehavior, interval};

/// A sixth of a lease: soon after it ran out.
const EVERY: Duration = Duration::from_secs(5);

pub(super) async fn run(usage: UsageService) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut well = true;
    loop {
        ticks.tick().await;
        match usage.reap().await {
            Ok(_) => well = true,
            // Once, not every time, while Redis is away.
            Err(error) if well => {
                tracing::warn!(%error, "can't look for abandoned requests");
                well = false;
            }
            Err(_) => {}
        }
    }
}
