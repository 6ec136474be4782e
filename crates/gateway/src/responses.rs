//! Answers of `/v1/responses` that are kept with what was asked: to be read again, and to be
//! gone on from. They belong to the person for whom a program asked, whichever of their keys it
//! used. What is in them is JSON in the words of the API, which nothing here looks into.
//!
//! A key that is for some agents only sees what those agents answered, as with conversations:
//! anything else it could not have asked itself.

use onelastai_access::ApiCaller;
use onelastai_db::{Actor, AuditEntry, Origin, record};
use onelastai_types::{AgentId, UserId};
use uuid::Uuid;

use crate::{GatewayError, GatewayService};

/// Answers are kept for this long, as at OpenAI.
const KEPT_DAYS: i32 = 30;
/// How many go at a time.
const BATCH: i64 = 500;
/// The most answers that can be gone on from at once.
const MOST_LINKS: i32 = 1000;
/// The most bytes that they may have together: as many as a request that says it all itself.
const MOST_BYTES: i64 = 20 << 20;

/// An answer that is to be kept.
#[derive(Debug)]
pub struct KeptResponse {
    /// Names the call that it answers.
    pub id: Uuid,
    /// Whose it is.
    pub user: UserId,
    /// The one that it went on from.
    pub previous: Option<Uuid>,
    /// The agent that answered; `None` where a model was asked.
    pub agent: Option<AgentId>,
    /// What was asked: a JSON array.
    pub input: String,
    /// The answer: a JSON object.
    pub response: String,
}

/// One question with its answer, as they are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// What was asked: a JSON array.
    pub input: String,
    /// The answer: a JSON object.
    pub response: String,
}

impl GatewayService {
    /// Keeps an answer. Nothing is written to the audit log: it is what was asked for, as a
    /// message in a conversation is.
    ///
    /// # Errors
    /// As any query.
    pub async fn keep_response(&self, kept: &KeptResponse) -> Result<(), GatewayError> {
        let bytes = kept.input.len().saturating_add(kept.response.len());
        // As text: a parameter of JSON would go through jsonb, and that refuses U+0000.
        sqlx::query!(
            "INSERT INTO api_responses (id, user_id, previous_id, agent_id, input, response, bytes)
             VALUES ($1, $2, $3, $4, $5::text::json, $6::text::json, $7)",
            kept.id,
            kept.user.0,
            kept.previous,
            kept.agent.map(|agent| agent.0),
            kept.input,
            kept.response,
            i64::try_from(bytes).unwrap_or(i64::MAX),
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// A kept answer and what it answers, without what came before.
    ///
    /// # Errors
    /// [`GatewayError::NoSuchResponse`] also where it is somebody else's.
    pub async fn response(&self, caller: &ApiCaller, id: Uuid) -> Result<Link, GatewayError> {
        let agents = agents(caller);
        let found = sqlx::query_as!(
            Link,
            r#"SELECT input::text AS "input!", response::text AS "response!" FROM api_responses
               WHERE id = $1 AND user_id = $2
                 AND ($3::uuid[] IS NULL OR agent_id = ANY ($3))"#,
            id,
            caller.user.0,
            agents.as_deref(),
        )
        .fetch_optional(&self.pool)
        .await?;
        found.ok_or(GatewayError::NoSuchResponse)
    }

    /// Takes a kept answer away, at once and for good. Nobody goes on from it any more, nor from
    /// those that went on from it.
    ///
    /// # Errors
    /// As [`Self::response`].
    pub async fn delete_response(
        &self,
        caller: &ApiCaller,
        origin: &Origin,
        id: Uuid,
    ) -> Result<(), GatewayError> {
        let agents = agents(caller);
        let mut transaction = self.pool.begin().await?;
        let deleted = sqlx::query!(
            "DELETE FROM api_responses
             WHERE id = $1 AND user_id = $2
               AND ($3::uuid[] IS NULL OR agent_id = ANY ($3))",
            id,
            caller.user.0,
            agents.as_deref(),
        )
        .execute(&mut *transaction)
        .await?;
        if deleted.rows_affected() == 0 {
            return Err(GatewayError::NoSuchResponse);
        }
        let entry = AuditEntry {
            actor: Actor::User {
                id: caller.user.0,
                name: caller.username.clone(),
            },
            origin,
            action: "response.delete",
            target_type: "api_responses",
            target_id: id,
            changes: Default::default(),
        };
        record(&mut transaction, entry).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// All that `last` went on from, and `last` itself, oldest first.
    ///
    /// # Errors
    /// [`GatewayError::NoPrevious`] where any of them isn't there for this caller: an answer to
    /// half of what was said would look right and be wrong.
    /// [`GatewayError::TooMuchBefore`] where they are more than can be read at once.
    pub async fn before(&self, caller: &ApiCaller, last: Uuid) -> Result<Vec<Link>, GatewayError> {
        let agents = agents(caller);
        // Each went on from an older one, so this comes to an end also without the bounds.
        let rows = sqlx::query!(
            r#"WITH RECURSIVE chain AS (
                   SELECT id, previous_id, 1 AS link, bytes AS total FROM api_responses
                   WHERE id = $1 AND user_id = $2
                     AND ($3::uuid[] IS NULL OR agent_id = ANY ($3))
                   UNION ALL
                   SELECT r.id, r.previous_id, c.link + 1, c.total + r.bytes
                   FROM chain c JOIN api_responses r ON r.id = c.previous_id
                   WHERE r.user_id = $2 AND ($3::uuid[] IS NULL OR r.agent_id = ANY ($3))
                     AND c.link < $4 AND c.total <= $5
               )
               SELECT c.previous_id AS "previous?", c.link AS "link!", c.total AS "total!",
                      r.input::text AS "input!", r.response::text AS "response!"
               FROM chain c JOIN api_responses r ON r.id = c.id
               ORDER BY c.link DESC"#,
            last,
            caller.user.0,
            agents.as_deref(),
            MOST_LINKS,
            MOST_BYTES,
        )
        .fetch_all(&self.pool)
        .await?;
        let oldest = rows.first().ok_or(GatewayError::NoPrevious)?;
        let more = oldest.previous.is_some();
        if oldest.total > MOST_BYTES || (more && oldest.link >= MOST_LINKS) {
            return Err(GatewayError::TooMuchBefore);
        }
        if more {
            return Err(GatewayError::NoPrevious);
        }
        let links = rows.into_iter().map(|row| Link {
            input: row.input,
            response: row.response,
        });
        Ok(links.collect())
    }

    /// Forgets the answers that are older than 30 days. Tells how many there were. Nothing is
    /// written to the audit log: nobody did it, and there may be very many. Safe to run anywhere
    /// at any time.
    ///
    /// # Errors
    /// As any query; what was removed by then is gone.
    pub async fn sweep_responses(&self) -> Result<u64, GatewayError> {
        let mut swept = 0;
        loop {
            let some = sqlx::query!(
                "DELETE FROM api_responses WHERE id IN (
                     SELECT id FROM api_responses
                     WHERE created_at < now() - make_interval(days => $1)
                     ORDER BY created_at
                     LIMIT $2
                     FOR UPDATE SKIP LOCKED
                 )",
                KEPT_DAYS,
                BATCH,
            )
            .execute(&self.pool)
            .await?;
            match some.rows_affected() {
                0 => return Ok(swept),
                some => swept += some,
            }
        }
    }
}

/// The only agents whose answers the caller's key is for; `None` for all answers.
fn agents(caller: &ApiCaller) -> Option<Vec<Uuid>> {
    let agents = caller.key.as_ref()?.agents.as_deref()?;
    Some(agents.iter().map(|agent| agent.0).collect())
}
