//! `Idempotency-Key`: the same request sent twice is answered once
//! (draft-ietf-httpapi-idempotency-key-header). Answers are kept for a day.

use bytes::Bytes;
use onelastai_types::UserId;
use sha2::{Digest, Sha256};

use crate::{GatewayError, GatewayService};

/// A request under way that has not ended for this long was lost with its server.
const LOST_AFTER_SECONDS: f64 = 900.0;
/// Answers are kept for this long.
const KEPT_HOURS: i32 = 24;

/// What a key says of a request.
#[derive(Debug)]
pub enum Claim {
    /// It is new: answer it, and tell how that ended.
    New(Claimed),
    /// It was answered before, like this.
    Before(Stored),
    /// It is being answered.
    UnderWay,
    /// The key was used for another request.
    Mismatch,
}

/// A request that is being answered.
#[derive(Debug, Clone)]
pub struct Claimed {
    user: UserId,
    key: String,
}

/// A kept answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its HTTP status.
    pub status: u16,
    /// Its media type.
    pub content_type: String,
    /// Its body.
    pub body: Bytes,
}

impl GatewayService {
    /// Claims `key` of this person for a request with this `method`, path and `body`.
    ///
    /// # Errors
    /// As any query.
    pub async fn claim(
        &self,
        user: UserId,
        key: &str,
        path: &str,
        body: &[u8],
    ) -> Result<Claim, GatewayError> {
        let mut hash = Sha256::new();
        hash.update(path.as_bytes());
        hash.update([0]);
        hash.update(body);
        let fingerprint = hash.finalize().to_vec();
        // One statement: of two at once, one inserts and the other sees the row.
        let claimed = sqlx::query_scalar!(
            r#"INSERT INTO api_idempotency_keys AS k (user_id, key, fingerprint)
               VALUES ($1, $2, $3)
               ON CONFLICT (user_id, key) DO UPDATE
               SET fingerprint = excluded.fingerprint, claimed_at = now(), status = NULL,
                   content_type = NULL, body = NULL
               WHERE k.claimed_at < now() - make_interval(hours => $4)
                  OR (k.status IS NULL AND k.claimed_at < now() - make_interval(secs => $5))
               RETURNING 1 AS "one!""#,
            user.0,
            key,
            &fingerprint,
            KEPT_HOURS,
            LOST_AFTER_SECONDS,
        )
        .fetch_optional(&self.pool)
        .await?;
        if claimed.is_some() {
            return Ok(Claim::New(Claimed {
                user,
                key: key.to_owned(),
            }));
        }
        let row = sqlx::query!(
            "SELECT fingerprint, status, content_type, body FROM api_idempotency_keys
             WHERE user_id = $1 AND key = $2",
            user.0,
            key,
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(match row {
            Some(row) if row.fingerprint != fingerprint => Claim::Mismatch,
            Some(row) => match (row.status, row.content_type, row.body) {
                (Some(status), Some(content_type), Some(body)) => Claim::Before(Stored {
                    status: u16::try_from(status).unwrap_or(500),
                    content_type,
                    body: body.into(),
                }),
                _ => Claim::UnderWay,
            },
            // It failed in this very moment and may be tried again.
            None => Claim::UnderWay,
        })
    }

    /// Keeps the answer to a claimed request.
    ///
    /// # Errors
    /// As any query.
    pub async fn keep(&self, claimed: &Claimed, stored: &Stored) -> Result<(), GatewayError> {
        sqlx::query!(
            "UPDATE api_idempotency_keys SET status = $3, content_type = $4, body = $5
             WHERE user_id = $1 AND key = $2",
            claimed.user.0,
            claimed.key,
            i16::try_from(stored.status).unwrap_or(500),
            stored.content_type,
            &stored.body[..],
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Gives a claim up: the request came to nothing, and may be sent again.
    ///
    /// # Errors
    /// As any query.
    pub async fn give_up(&self, claimed: &Claimed) -> Result<(), GatewayError> {
        sqlx::query!(
            "DELETE FROM api_idempotency_keys
             WHERE user_id = $1 AND key = $2 AND status IS NULL",
            claimed.user.0,
            claimed.key,
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Forgets the answers that are older than a day. Tells how many there were.
    ///
    /// # Errors
    /// As any query.
    pub async fn sweep_idempotency(&self) -> Result<u64, GatewayError> {
        let swept = sqlx::query!(
            "DELETE FROM api_idempotency_keys
             WHERE claimed_at < now() - make_interval(hours => $1)",
            KEPT_HOURS,
        )
        .execute(&self.pool)
        .await?;
        Ok(swept.rows_affected())
    }
}
