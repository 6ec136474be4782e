//! Telling the other replicas at once that an account was changed.

use onelastai_types::UserId;

use crate::IdentityService;

/// The channel of Redis on which changes are told: `user:{id}` for an account, `key:{id}` for
/// an API key. What is remembered of it is to be read anew.
pub const CHANGES_CHANNEL: &str = "onelastai:keys";

impl IdentityService {
    /// Tells everybody that an account was changed. Where that fails they find out by
    /// themselves, a little later.
    pub(crate) async fn announce(&self, user: UserId) {
        let message = format!("user:{user}");
        let told = self.sessions().publish(CHANGES_CHANNEL, &message).await;
        if let Err(error) = told {
            tracing::warn!(%error, %user, "could not tell other replicas of a changed account");
        }
    }
}
