//! The sums of a day and of a key's month, where Redis doesn't have them: a person's first
//! request in two days, and whatever came of a Redis that lost its data.

use onelastai_db::PgPool;
use onelastai_types::UserId;
use uuid::Uuid;

use crate::{
    calendar::{date_of, month_span},
    counters::Sums,
};

/// What is in PostgreSQL, and which of the requests `open` are part of it, as of one moment.
pub(crate) async fn read(
    pool: &PgPool,
    user: UserId,
    key: Option<Uuid>,
    now_ms: i64,
    open: &[Uuid],
) -> sqlx::Result<Sums> {
    let day = date_of(now_ms);
    let (first, next) = month_span(day);
    let row = sqlx::query!(
        r#"SELECT
               (SELECT coalesce(sum(requests), 0)::bigint FROM usage_metrics
                WHERE user_id = $1 AND day = $2) AS "requests!",
               (SELECT coalesce(sum(prompt_tokens + completion_tokens), 0)::bigint
                FROM usage_metrics WHERE user_id = $1 AND day = $2) AS "tokens!",
               (SELECT coalesce(sum(cost_micros), 0)::bigint FROM api_key_usage
                WHERE api_key_id = $3 AND day >= $4 AND day < $5) AS "cost!",
               ARRAY(SELECT id FROM agent_interactions WHERE id = ANY ($6)) AS "settled!""#,
        user.0,
        day,
        key,
        first,
        next,
        open,
    )
    .fetch_one(pool)
    .await?;
    let count = |number: i64| u64::try_from(number).unwrap_or(0);
    Ok(Sums {
        requests: count(row.requests),
        tokens: count(row.tokens),
        cost: count(row.cost),
        settled: row.settled,
    })
}
