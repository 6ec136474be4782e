//! Copies failed sign-ins and the like from Keycloak into the audit log.

use std::time::Duration;

use onelastai_identity::{IdentityError, IdentityService};
use tokio::time::{MissedTickBehavior, interval};

const EVERY: Duration = Duration::from_secs(15);

pub(super) async fn run(identity: IdentityService) {
    if !identity.sees_events() {
        return;
    }
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut well = true;
    loop {
        ticks.tick().await;
        let done = async {
            if identity.copy_events().await? > 0 {
                identity.sweep_events().await?;
            }
            Ok::<_, IdentityError>(())
        };
        match done.await {
            Ok(()) => well = true,
            // Once, not every time, while Keycloak is away.
            Err(error) if well => {
                tracing::warn!(%error, "can't copy Keycloak's events into the audit log");
                well = false;
            }
            Err(_) => {}
        }
    }
}
