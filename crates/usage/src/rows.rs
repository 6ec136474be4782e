//! Settlements in PostgreSQL: any number of them in one statement. A request counts once,
//! however often and from wherever it is settled: its id is the key of its row.

use std::collections::HashSet;

use onelastai_db::{PgPool, new_id};
use onelastai_types::{AnswerStatus, UserId};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{Outcome, calendar::date_of};

/// How a request ended, with all that its rows need.
#[derive(Debug, Clone)]
pub(crate) struct Settlement {
    pub id: Uuid,
    pub user: UserId,
    pub key: Option<Uuid>,
    /// When it was admitted: it counts for that day, in PostgreSQL as in Redis.
    pub since_ms: i64,
    pub outcome: Outcome,
}

fn int(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// PostgreSQL's text holds no NUL, and one row must not keep the others from being written.
fn clean(text: Option<&str>) -> Option<String> {
    text.map(|text| text.replace('\0', ""))
}

/// Writes them all and tells which were new. Sorted, so that replicas that write the same
/// rows wait for one another instead of locking each other out.
///
/// No id may be there twice.
///
/// Who was deleted meanwhile is left out: the person first of all, whose row is locked for
/// it, so that a deletion waits for us or we see it.
pub(crate) async fn write(pool: &PgPool, batch: &[&Settlement]) -> sqlx::Result<HashSet<Uuid>> {
    macro_rules! column {
        ($of:ident => $value:expr) => {
            batch.iter().map(|$of| $value).collect::<Vec<_>>()
        };
    }
    let statuses = column!(it => match it.outcome.status {
        // Whatever is settled has ended.
        AnswerStatus::Generating => AnswerStatus::Interrupted,
        status => status,
    }.as_str().to_owned());
    let since = column!(it => OffsetDateTime::from_unix_timestamp_nanos(
        i128::from(it.since_ms) * 1_000_000).unwrap_or(OffsetDateTime::UNIX_EPOCH));
    let new = sqlx::query_scalar!(
        r#"WITH given AS (
               SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[],
                   $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::int[],
                   $12::int[], $13::int[], $14::int[], $15::int[], $16::smallint[], $17::bool[],
                   $18::bigint[], $19::text[], $20::timestamptz[], $21::date[], $22::uuid[])
                   AS t (id, user_id, api_key_id, agent_id, conversation_id,
                         model, instance, reason, status, error_code, waiting_ms,
                         first_token_ms, total_ms, prompt_tokens, completion_tokens, retries,
                         fallback, cost_micros, cost_currency, since, day, metric_id)
           ), people AS MATERIALIZED (
               SELECT id FROM users WHERE id = ANY ($2) ORDER BY id FOR KEY SHARE
           ), settled AS (
               INSERT INTO agent_interactions
                   (id, agent_id, user_id, conversation_id, api_key_id, model, instance, reason,
                    status, error_code, waiting_ms, first_token_ms, total_ms, prompt_tokens,
                    completion_tokens, retries, fallback, cost_micros, cost_currency, created_at)
               SELECT g.id, a.id, p.id, c.id, g.api_key_id, g.model, g.instance, g.reason,
                   g.status, g.error_code, g.waiting_ms, g.first_token_ms, g.total_ms,
                   g.prompt_tokens, g.completion_tokens, g.retries, g.fallback, g.cost_micros,
                   g.cost_currency, g.since
               FROM given g
               LEFT JOIN people p ON p.id = g.user_id
               LEFT JOIN agents a ON a.id = g.agent_id
               LEFT JOIN conversations c ON c.id = g.conversation_id
               ORDER BY g.id
               ON CONFLICT (id) DO NOTHING
               RETURNING id
           ), counted AS MATERIALIZED (
               SELECT g.*, p.id AS person, a.id AS agent
               FROM settled s
               JOIN given g USING (id)
               JOIN people p ON p.id = g.user_id
               LEFT JOIN agents a ON a.id = g.agent_id
           ), days AS (
               INSERT INTO usage_metrics
                   (id, user_id, agent_id, model, day, requests, errors, prompt_tokens,
                    completion_tokens)
               SELECT (array_agg(metric_id))[1], person, agent, coalesce(model, 'none'), day,
                   count(*), count(*) FILTER (WHERE status = 'failed'),
                   sum(prompt_tokens::bigint), sum(completion_tokens::bigint)
               FROM counted
               GROUP BY person, agent, coalesce(model, 'none'), day
               ORDER BY person, agent, coalesce(model, 'none'), day
               ON CONFLICT ON CONSTRAINT usage_metrics_key DO UPDATE
               SET requests = usage_metrics.requests + excluded.requests,
                   errors = usage_metrics.errors + excluded.errors,
                   prompt_tokens = usage_metrics.prompt_tokens + excluded.prompt_tokens,
                   completion_tokens =
                       usage_metrics.completion_tokens + excluded.completion_tokens
           ), keys AS (
               INSERT INTO api_key_usage AS u
                   (api_key_id, day, requests, prompt_tokens, completion_tokens, cost_micros)
               SELECT k.id, day, count(*), sum(prompt_tokens::bigint),
                   sum(completion_tokens::bigint), sum(coalesce(cost_micros, 0))
               FROM counted JOIN api_keys k ON k.id = counted.api_key_id
               GROUP BY k.id, day
               ORDER BY k.id, day
               ON CONFLICT (api_key_id, day) DO UPDATE
               SET requests = u.requests + excluded.requests,
                   prompt_tokens = u.prompt_tokens + excluded.prompt_tokens,
                   completion_tokens = u.completion_tokens + excluded.completion_tokens,
                   cost_micros = u.cost_micros + excluded.cost_micros
           )
           SELECT id AS "id!" FROM settled"#,
        &column!(it => it.id),
        &column!(it => it.user.0),
        &column!(it => it.key) as &[Option<Uuid>],
        &column!(it => it.outcome.agent.map(|agent| agent.0)) as &[Option<Uuid>],
        &column!(it => it.outcome.conversation.map(|it| it.0)) as &[Option<Uuid>],
        &column!(it => clean(it.outcome.model.as_deref())) as &[Option<String>],
        &column!(it => clean(it.outcome.instance.as_deref())) as &[Option<String>],
        &column!(it => clean(it.outcome.reason.as_deref())) as &[Option<String>],
        &statuses,
        &column!(it => clean(it.outcome.error_code.as_deref())) as &[Option<String>],
        &column!(it => it.outcome.waiting_ms.map(int)) as &[Option<i32>],
        &column!(it => it.outcome.first_token_ms.map(int)) as &[Option<i32>],
        &column!(it => int(it.outcome.total_ms)),
        &column!(it => int(it.outcome.prompt_tokens)),
        &column!(it => int(it.outcome.completion_tokens)),
        &column!(it => i16::from(it.outcome.retries)),
        &column!(it => it.outcome.fallback),
        &column!(it => it.outcome.cost.map(|cost| i64::try_from(cost.micros).unwrap_or(i64::MAX)))
            as &[Option<i64>],
        &column!(it => it.outcome.cost.map(|cost| cost.currency.code().to_owned()))
            as &[Option<String>],
        &since,
        &column!(it => date_of(it.since_ms)),
        &column!(_it => new_id::<Uuid>()),
    )
    .fetch_all(pool)
    .await?;
    Ok(new.into_iter().collect())
}
