//! What people deleted goes for good once they can't bring it back any more.

use onelastai_db::{Actor, AuditEntry, Origin, record};
use serde_json::Map;

use crate::{ChatError, ChatService};

/// For so many days a deleted conversation can be brought back.
pub(crate) const KEEP_DAYS: i32 = 30;

/// How many go at a time: for so long others wait to write the audit log.
const BATCH: i64 = 50;

impl ChatService {
    /// Removes the conversations that were deleted more than 30 days ago, with their messages
    /// and a line in the audit log for each. What they counted for stays. How many there
    /// were. Safe to run anywhere at any time.
    ///
    /// # Errors
    /// As any query; what was removed by then is gone.
    pub async fn sweep_deleted(&self) -> Result<usize, ChatError> {
        let mut swept = 0;
        loop {
            match self.sweep_some().await? {
                0 => return Ok(swept),
                some => swept += some,
            }
        }
    }

    async fn sweep_some(&self) -> Result<usize, ChatError> {
        let mut transaction = self.0.pool.begin().await?;
        let gone = sqlx::query_scalar!(
            "DELETE FROM conversations WHERE id IN (
                 SELECT id FROM conversations
                 WHERE deleted_at < now() - make_interval(days => $1)
                 ORDER BY deleted_at
                 LIMIT $2
                 FOR UPDATE SKIP LOCKED
             )
             RETURNING id",
            KEEP_DAYS,
            BATCH,
        )
        .fetch_all(&mut *transaction)
        .await?;
        let origin = Origin::default();
        for id in &gone {
            let entry = AuditEntry {
                actor: Actor::Program("sweep of conversations"),
                origin: &origin,
                action: "conversation.sweep",
                target_type: "conversations",
                target_id: *id,
                changes: Map::new(),
            };
            record(&mut transaction, entry).await?;
        }
        transaction.commit().await?;
        Ok(gone.len())
    }
}
