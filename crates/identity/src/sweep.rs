//! The rows of sessions that nobody ended: those whose time ran out, and those that ended in
//! Redis just before the database went away.

use onelastai_db::{Actor, Origin};
use uuid::Uuid;

use crate::{IdentityError, IdentityService, ending::Ending, session::EndReason, user_sessions};

/// How many rows are looked at, and ended, at a time: for so long others wait to write the
/// audit log.
const BATCH: i64 = 100;

impl IdentityService {
    /// Notes the end of sessions that Redis no longer has, with a line in the audit log for
    /// each. How many there were. Safe to run anywhere at any time.
    ///
    /// # Errors
    /// Where Redis or the database is away; what was noted by then stays.
    pub async fn sweep_sessions(&self) -> Result<u64, IdentityError> {
        let ending = Ending {
            reason: EndReason::Expired,
            actor: Some(Actor::Program("sweep of sessions")),
            origin: &Origin::default(),
        };
        let mut ended = 0;
        let mut after = Uuid::nil();
        loop {
            let open = user_sessions::open_after(self.pool(), after, BATCH).await?;
            let Some(last) = open.last() else {
                return Ok(ended);
            };
            after = last.id;
            let keys: Vec<_> = open.iter().map(user_sessions::Open::keys).collect();
            let alive = self.sessions().alive(&keys).await?;
            let gone: Vec<_> = open
                .iter()
                .zip(alive)
                .filter(|(_, alive)| !alive)
                .map(|(session, _)| session.id)
                .collect();
            ended += user_sessions::end_these(self.pool(), &gone, &ending).await?;
        }
    }
}
