//! When keys were last used: noted in batches, since thousands may be at once.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use onelastai_db::{DbResult, PgPool};
use onelastai_types::ApiKeyId;
use time::OffsetDateTime;
use uuid::Uuid;

/// While the database is away, no more than so many wait to be noted.
const MOST: usize = 100_000;

/// Uses that are not noted yet.
#[derive(Default)]
pub(crate) struct Uses(Mutex<HashMap<ApiKeyId, OffsetDateTime>>);

impl Uses {
    pub(crate) fn add(&self, key: ApiKeyId, at: OffsetDateTime) {
        let mut uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if uses.len() < MOST {
            uses.insert(key, at);
        }
    }

    /// Writes them down. What can't be written is kept for the next time.
    pub(crate) async fn write(&self, pool: &PgPool) -> DbResult<()> {
        let taken = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if taken.is_empty() {
            return Ok(());
        }
        let (ids, times): (Vec<Uuid>, Vec<OffsetDateTime>) =
            taken.iter().map(|(id, at)| (id.0, *at)).unzip();
        // Another replica may be writing the same: what it holds is left to it.
        let written = sqlx::query!(
            "WITH used AS (
                 SELECT k.id, u.at
                 FROM unnest($1::uuid[], $2::timestamptz[]) AS u (id, at)
                 JOIN api_keys k ON k.id = u.id
                 WHERE k.last_used_at IS NULL OR k.last_used_at < u.at
                 FOR UPDATE OF k SKIP LOCKED
             )
             UPDATE api_keys SET last_used_at = used.at FROM used WHERE api_keys.id = used.id",
            &ids,
            &times,
        )
        .execute(pool)
        .await;
        if let Err(error) = written {
            for (id, at) in taken {
                self.add(id, at);
            }
            return Err(error.into());
        }
        Ok(())
    }
}
