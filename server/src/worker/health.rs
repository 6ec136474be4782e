//! Looks after the models, so that the router knows who is there before somebody asks.

use std::time::Duration;

use onelastai_model_router::ModelRouter;
use tokio::time::{MissedTickBehavior, interval};

/// The router trusts what was found for 30 s.
const EVERY: Duration = Duration::from_secs(15);

pub(super) async fn run(router: ModelRouter) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut before = None;
    loop {
        ticks.tick().await;
        let usable = router
            .health()
            .await
            .iter()
            .filter(|instance| instance.is_usable())
            .count();
        if before != Some(usable) {
            tracing::info!(usable, "model instances");
            before = Some(usable);
        }
    }
}
