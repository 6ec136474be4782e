//! How an answer ended, written once: its text, its tokens and times, what it counts
//! for. Whoever holds the fencing token writes it; anyone else changes nothing.

use std::time::Duration;

use onelastai_db::{DbError, new_id};
use onelastai_model_router::Chosen;
use onelastai_types::{
    AgentId, AnswerStatus, Currency, Finished, GenerationId, Making, StreamEvent, UserId,
};
use sqlx::PgConnection;
use tokio::time::sleep;
use uuid::Uuid;

use crate::{ChatError, ChatService, allowance::reservation, code, prompt::BYTES_PER_TOKEN};

/// The most answers that one round of the reaper settles.
const ROUND: i64 = 100;

/// What an answer took, as the model says.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Usage {
    pub prompt_tokens: i32,
    pub completion_tokens: i32,
    /// Whether it ended because it was as long as it might be.
    pub cut_off: bool,
}

/// How an answer ended.
#[derive(Debug, Clone)]
pub(crate) struct Settlement {
    pub generation: GenerationId,
    pub agent: AgentId,
    pub user: UserId,
    /// The API key that asked for it.
    pub key: Option<Uuid>,
    pub fencing_token: i64,
    pub status: AnswerStatus,
    pub error: Option<String>,
    pub text: String,
    pub chosen: Option<Chosen>,
    pub usage: Usage,
    pub first_token_ms: Option<i32>,
    pub total_ms: i32,
}

impl Settlement {
    /// How it came about, as the router says.
    fn making(&self) -> Making {
        let Some(chosen) = &self.chosen else {
            return Making::default();
        };
        let counted = |tokens: i32| u32::try_from(tokens).unwrap_or(0);
        let cost = chosen.price.as_ref().and_then(|price| {
            let prompt = counted(self.usage.prompt_tokens);
            let micros = price.cost(prompt, counted(self.usage.completion_tokens));
            Some((i64::try_from(micros).ok()?, price.currency.parse().ok()?))
        });
        Making {
            instance: Some(chosen.instance.to_string()),
            waiting_ms: Some(i32::try_from(chosen.waited.as_millis()).unwrap_or(i32::MAX)),
            retries: chosen.retries.into(),
            fallback: chosen.fallback,
            cost,
            cut_off: self.usage.cut_off,
        }
    }

    pub(crate) fn into_finished(self) -> Finished {
        Finished {
            making: self.making(),
            status: self.status,
            error: self.error,
            prompt_tokens: self.usage.prompt_tokens,
            completion_tokens: self.usage.completion_tokens,
            first_token_ms: self.first_token_ms,
            total_ms: self.total_ms,
        }
    }
}

impl ChatService {
    /// Settles, however long the database is away.
    pub(crate) async fn settle_at_last(&self, settlement: Settlement) -> Finished {
        let mut wait = Duration::from_millis(200);
        loop {
            match self.settle(&settlement).await {
                Ok(true) => return settlement.into_finished(),
                Ok(false) => {
                    tracing::warn!(generation = %settlement.generation, "settled elsewhere");
                    return Finished {
                        status: AnswerStatus::Interrupted,
                        ..settlement.into_finished()
                    };
                }
                Err(error) => {
                    let away = matches!(error, ChatError::Db(DbError::Unavailable(_)));
                    tracing::error!(generation = %settlement.generation, %error, "can't settle");
                    if !away || self.0.shutdown.is_cancelled() {
                        // The reaper settles it with the last checkpoint.
                        return Finished {
                            status: AnswerStatus::Interrupted,
                            ..settlement.into_finished()
                        };
                    }
                    sleep(wait).await;
                    wait = (wait * 2).min(Duration::from_secs(5));
                }
            }
        }
    }

    /// Writes how an answer ended, once; true also where that happened before although nobody
    /// was told. False where the token is old.
    async fn settle(&self, end: &Settlement) -> Result<bool, ChatError> {
        let chosen = end.chosen.as_ref();
        let model = chosen.map(|chosen| chosen.model_id.as_str());
        let instance = chosen.map(|chosen| chosen.instance.as_str());
        let making = end.making();
        let reason = chosen.map(|chosen| chosen.reason.as_str());
        let mut transaction = self.0.pool.begin().await?;
        let row = sqlx::query!(
            "UPDATE generations
             SET status = $3, error_code = $4, model = coalesce($5, model), instance = $6,
                 reason = $7, first_token_ms = $8, total_ms = $9, finished_at = now()
             WHERE id = $1 AND fencing_token = $2 AND status = 'generating'
             RETURNING message_id, conversation_id, idempotency_key",
            end.generation.0,
            end.fencing_token,
            end.status.as_str(),
            end.error,
            model,
            instance,
            reason,
            end.first_token_ms,
            end.total_ms,
        )
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(row) = row else {
            drop(transaction);
            return self.settled_before(end).await;
        };
        sqlx::query!(
            "UPDATE messages
             SET content = $2, status = $3, model = $4, prompt_tokens = $5,
                 completion_tokens = $6, processing_time_ms = $7
             WHERE id = $1",
            row.message_id,
            end.text,
            end.status.as_str(),
            model,
            end.usage.prompt_tokens,
            end.usage.completion_tokens,
            end.total_ms,
        )
        .execute(&mut *transaction)
        .await?;
        sqlx::query!(
            "UPDATE conversations SET last_message_at = now() WHERE id = $1",
            row.conversation_id
        )
        .execute(&mut *transaction)
        .await?;
        sqlx::query!(
            "INSERT INTO agent_interactions
                 (id, agent_id, user_id, conversation_id, generation_id, model, instance, reason,
                  status, error_code, first_token_ms, total_ms, prompt_tokens, completion_tokens,
                  waiting_ms, retries, fallback, cost_micros, cost_currency, cut_off, api_key_id)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
                     $18, $19, $20, $21)",
            new_id::<Uuid>(),
            end.agent.0,
            end.user.0,
            row.conversation_id,
            end.generation.0,
            model,
            instance,
            reason,
            end.status.as_str(),
            end.error,
            end.first_token_ms,
            end.total_ms,
            end.usage.prompt_tokens,
            end.usage.completion_tokens,
            making.waiting_ms,
            making.retries,
            making.fallback,
            making.cost.map(|(micros, _)| micros),
            making.cost.map(|(_, currency)| currency.code().to_owned()),
            making.cut_off,
            end.key,
        )
        .execute(&mut *transaction)
        .await?;
        sqlx::query!(
            "INSERT INTO usage_metrics
                 (id, user_id, agent_id, model, day, requests, errors, prompt_tokens,
                  completion_tokens)
             VALUES ($1, $2, $3, $4, (now() AT TIME ZONE 'UTC')::date, 1, $5, $6, $7)
             ON CONFLICT ON CONSTRAINT usage_metrics_key DO UPDATE
             SET requests = usage_metrics.requests + 1,
                 errors = usage_metrics.errors + excluded.errors,
                 prompt_tokens = usage_metrics.prompt_tokens + excluded.prompt_tokens,
                 completion_tokens = usage_metrics.completion_tokens + excluded.completion_tokens",
            new_id::<Uuid>(),
            end.user.0,
            end.agent.0,
            model.unwrap_or("none"),
            i64::from(end.status == AnswerStatus::Failed),
            i64::from(end.usage.prompt_tokens),
            i64::from(end.usage.completion_tokens),
        )
        .execute(&mut *transaction)
        .await?;
        if let Some(key) = end.key {
            count_for_key(&mut transaction, key, end, making.cost).await?;
        }
        transaction.commit().await?;
        self.count(end, &row.idempotency_key);
        Ok(true)
    }

    /// Whether an earlier try settled it, and only the database's word for that was lost:
    /// whoever takes an answer over raises the token first.
    async fn settled_before(&self, end: &Settlement) -> Result<bool, ChatError> {
        let key = sqlx::query_scalar!(
            "SELECT idempotency_key FROM generations
             WHERE id = $1 AND fencing_token = $2 AND status = $3",
            end.generation.0,
            end.fencing_token,
            end.status.as_str(),
        )
        .fetch_optional(&self.0.pool)
        .await?;
        let Some(key) = key else { return Ok(false) };
        self.count(end, &key);
        Ok(true)
    }

    /// What was taken stands in the place of what was reserved; nobody waits for that.
    fn count(&self, end: &Settlement, key: &str) {
        let (usage, user, api_key) = (self.0.usage.clone(), end.user, end.key);
        let reservation = reservation(user, key);
        let cost = end.making().cost.map_or(0, |(micros, _)| micros);
        let cost = u64::try_from(cost).unwrap_or(0);
        let tokens = i64::from(end.usage.prompt_tokens) + i64::from(end.usage.completion_tokens);
        let tokens = u64::try_from(tokens).unwrap_or(0);
        self.0.tasks.spawn(async move {
            usage
                .settled_elsewhere(reservation, user, api_key, tokens, cost)
                .await;
        });
    }

    /// Settles the answers whose maker is gone, as interrupted and with the text that was
    /// saved. Any replica may do it at any time. Tells how many there were.
    ///
    /// # Errors
    /// As any query.
    pub async fn reap(&self) -> Result<usize, ChatError> {
        let mut settled = 0;
        // Raising the token first: from here on the old maker's writes are refused.
        let abandoned = sqlx::query!(
            r#"UPDATE generations g
               SET fencing_token = g.fencing_token + 1,
                   lease_expires_at = now() + make_interval(secs => $1)
               FROM conversations c, messages m
               WHERE c.id = g.conversation_id AND m.id = g.message_id AND g.id IN (
                   SELECT id FROM generations
                   WHERE status = 'generating' AND lease_expires_at < now()
                   ORDER BY lease_expires_at
                   LIMIT $2
                   FOR UPDATE SKIP LOCKED
               )
               RETURNING g.id, g.user_id, g.fencing_token, g.idempotency_key, c.agent_id,
                   m.content,
                   (extract(epoch FROM now() - g.created_at) * 1000)::bigint AS "age_ms!""#,
            self.0.settings.lease.as_secs_f64(),
            ROUND,
        )
        .fetch_all(&self.0.pool)
        .await?;
        for row in abandoned {
            let user = row.user_id.into();
            let reserved = reservation(user, &row.idempotency_key);
            let settlement = Settlement {
                generation: row.id.into(),
                agent: row.agent_id.into(),
                user,
                key: self.0.usage.key_of(reserved, user).await,
                fencing_token: row.fencing_token,
                status: AnswerStatus::Interrupted,
                error: Some(code::SERVER_LOST.to_owned()),
                // Its model told no number, and what it was told went with its server.
                usage: Usage {
                    completion_tokens: i32::try_from(row.content.len() / BYTES_PER_TOKEN)
                        .unwrap_or(i32::MAX),
                    ..Usage::default()
                },
                text: row.content,
                chosen: None,
                first_token_ms: None,
                total_ms: i32::try_from(row.age_ms).unwrap_or(i32::MAX),
            };
            if self.settle(&settlement).await? {
                settled += 1;
                let generation = settlement.generation;
                tracing::warn!(%generation, "settled an answer whose server went away");
                let last = vec![
                    StreamEvent::Written,
                    StreamEvent::Finished(settlement.into_finished()),
                    StreamEvent::End,
                ];
                self.0.hub.close_abandoned(generation, last).await;
            }
        }
        Ok(settled)
    }
}

/// What an API key has used of this day, unless the key was deleted meanwhile.
async fn count_for_key(
    connection: &mut PgConnection,
    key: Uuid,
    end: &Settlement,
    cost: Option<(i64, Currency)>,
) -> Result<(), ChatError> {
    sqlx::query!(
        "INSERT INTO api_key_usage AS u
             (api_key_id, day, requests, prompt_tokens, completion_tokens, cost_micros)
         SELECT k.id, (now() AT TIME ZONE 'UTC')::date, 1, $2::bigint, $3::bigint, $4::bigint
         FROM api_keys k WHERE k.id = $1
         ON CONFLICT (api_key_id, day) DO UPDATE
         SET requests = u.requests + 1,
             prompt_tokens = u.prompt_tokens + excluded.prompt_tokens,
             completion_tokens = u.completion_tokens + excluded.completion_tokens,
             cost_micros = u.cost_micros + excluded.cost_micros",
        key,
        i64::from(end.usage.prompt_tokens),
        i64::from(end.usage.completion_tokens),
        cost.map_or(0, |(micros, _)| micros),
    )
    .execute(connection)
    .await?;
    Ok(())
}
