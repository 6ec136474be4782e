//! Keys as their owners see them.

use onelastai_db::DbResult;
use onelastai_types::{AgentId, ApiKeyId, Currency, Money, UserId};
use sqlx::types::ipnetwork::IpNetwork;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{AccessService, KeyError, Scopes};

/// Keys that ended are listed for so many days more.
pub const ENDED_DAYS: i32 = 30;
/// The most keys that are listed.
const MOST: i64 = 500;

/// A key as its owner sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct KeySummary {
    /// Its id.
    pub id: ApiKeyId,
    /// What its owner calls it.
    pub name: String,
    /// Its first characters.
    pub prefix: String,
    /// What it is for.
    pub scopes: Scopes,
    /// The only agents it is for; `None` for all.
    pub agents: Option<Vec<AgentId>>,
    /// The only networks it may be used from; `None` for anywhere.
    pub networks: Option<Vec<IpNetwork>>,
    /// Requests in a minute.
    pub requests_per_minute: Option<u32>,
    /// Tokens in a minute.
    pub tokens_per_minute: Option<u32>,
    /// What it may cost in a month (UTC).
    pub monthly_budget: Option<Money>,
    /// Since when there is this key.
    pub created_at: OffsetDateTime,
    /// When it ends by itself.
    pub expires_at: Option<OffsetDateTime>,
    /// Until when it goes on beside the key that took its place.
    pub overlap_until: Option<OffsetDateTime>,
    /// The key that took its place.
    pub replaced_by: Option<ApiKeyId>,
    /// Since when it is taken back.
    pub revoked_at: Option<OffsetDateTime>,
    /// To within a minute.
    pub last_used_at: Option<OffsetDateTime>,
    /// What it was used for in this month (UTC).
    pub this_month: KeyUse,
}

/// What a key was used for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeyUse {
    /// Requests.
    pub requests: u64,
    /// Tokens of questions.
    pub prompt_tokens: u64,
    /// Tokens of answers.
    pub completion_tokens: u64,
    /// What it cost, in millionths of one unit.
    pub cost_micros: u64,
}

/// How it is with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// It is good.
    Good,
    /// It is good until then, beside the key that took its place.
    Overlapping(OffsetDateTime),
    /// Another took its place, and its time beside that is over.
    Replaced,
    /// Its time is over.
    Expired,
    /// It was taken back.
    Revoked,
}

impl KeySummary {
    /// How it is with the key at `now`.
    #[must_use]
    pub fn state(&self, now: OffsetDateTime) -> KeyState {
        let over = |end: Option<OffsetDateTime>| end.is_some_and(|end| end <= now);
        match self.overlap_until {
            Some(until) if until <= now => KeyState::Replaced,
            _ if self.revoked_at.is_some() => KeyState::Revoked,
            _ if over(self.expires_at) => KeyState::Expired,
            Some(until) => {
                KeyState::Overlapping(self.expires_at.map_or(until, |end| end.min(until)))
            }
            None => KeyState::Good,
        }
    }

    /// Whether it can be used at `now`.
    #[must_use]
    pub fn is_good(&self, now: OffsetDateTime) -> bool {
        matches!(self.state(now), KeyState::Good | KeyState::Overlapping(_))
    }
}

struct Row {
    id: Uuid,
    name: String,
    prefix: String,
    scopes: Vec<String>,
    agent_ids: Option<Vec<Uuid>>,
    networks: Option<Vec<IpNetwork>>,
    requests_per_minute: Option<i32>,
    tokens_per_minute: Option<i32>,
    monthly_budget_minor: Option<i64>,
    budget_currency: Option<String>,
    created_at: OffsetDateTime,
    expires_at: Option<OffsetDateTime>,
    overlap_until: Option<OffsetDateTime>,
    replaced_by: Option<Uuid>,
    revoked_at: Option<OffsetDateTime>,
    last_used_at: Option<OffsetDateTime>,
    requests: i64,
    prompt_tokens: i64,
    completion_tokens: i64,
    cost_micros: i64,
}

impl From<Row> for KeySummary {
    fn from(row: Row) -> Self {
        let whole = |limit: Option<i32>| limit.and_then(|limit| u32::try_from(limit).ok());
        let count = |number: i64| u64::try_from(number).unwrap_or(0);
        // The column's check lets no other text in.
        let currency = |code: String| code.parse::<Currency>().ok();
        Self {
            id: row.id.into(),
            name: row.name,
            prefix: row.prefix,
            scopes: Scopes::of_names(row.scopes.iter().map(String::as_str)),
            agents: row
                .agent_ids
                .map(|ids| ids.into_iter().map(AgentId::from).collect()),
            networks: row.networks,
            requests_per_minute: whole(row.requests_per_minute),
            tokens_per_minute: whole(row.tokens_per_minute),
            monthly_budget: row
                .monthly_budget_minor
                .zip(row.budget_currency.and_then(currency))
                .map(|(minor, currency)| Money { minor, currency }),
            created_at: row.created_at,
            expires_at: row.expires_at,
            overlap_until: row.overlap_until,
            replaced_by: row.replaced_by.map(ApiKeyId::from),
            revoked_at: row.revoked_at,
            last_used_at: row.last_used_at,
            this_month: KeyUse {
                requests: count(row.requests),
                prompt_tokens: count(row.prompt_tokens),
                completion_tokens: count(row.completion_tokens),
                cost_micros: count(row.cost_micros),
            },
        }
    }
}

impl AccessService {
    /// The keys of a person, the newest first; those that ended more than [`ENDED_DAYS`] days
    /// ago are left out.
    ///
    /// # Errors
    /// Where the database is away.
    pub async fn list(&self, user: UserId) -> DbResult<Vec<KeySummary>> {
        self.keys_of(user, None).await
    }

    /// One key of a person.
    ///
    /// # Errors
    /// [`KeyError::NotFound`], also where it is somebody else's; or where the database is away.
    pub async fn key(&self, user: UserId, id: ApiKeyId) -> Result<KeySummary, KeyError> {
        let found = self.keys_of(user, Some(id)).await?.pop();
        found.ok_or(KeyError::NotFound)
    }

    async fn keys_of(&self, user: UserId, id: Option<ApiKeyId>) -> DbResult<Vec<KeySummary>> {
        let rows = sqlx::query_as!(
            Row,
            r#"SELECT k.id, k.name, k.prefix, k.scopes, k.agent_ids, k.networks,
                      k.requests_per_minute, k.tokens_per_minute, k.monthly_budget_minor,
                      k.budget_currency, k.created_at, k.expires_at, k.overlap_until,
                      next.id AS "replaced_by?", k.revoked_at, k.last_used_at,
                      month.requests AS "requests!", month.prompt_tokens AS "prompt_tokens!",
                      month.completion_tokens AS "completion_tokens!",
                      month.cost_micros AS "cost_micros!"
               FROM api_keys k
               LEFT JOIN api_keys next ON next.rotated_from = k.id
               CROSS JOIN LATERAL (
                   SELECT coalesce(sum(requests), 0)::bigint AS requests,
                          coalesce(sum(prompt_tokens), 0)::bigint AS prompt_tokens,
                          coalesce(sum(completion_tokens), 0)::bigint AS completion_tokens,
                          coalesce(sum(cost_micros), 0)::bigint AS cost_micros
                   FROM api_key_usage
                   WHERE api_key_id = k.id
                     AND day >= date_trunc('month', now() AT TIME ZONE 'UTC')::date
               ) month
               WHERE k.user_id = $1
                 AND CASE WHEN $2::uuid IS NULL
                     THEN coalesce(
                         least(k.revoked_at, k.expires_at, k.overlap_until)
                             > now() - make_interval(days => $3), true)
                     ELSE k.id = $2 END
               ORDER BY k.created_at DESC, k.id DESC
               LIMIT $4"#,
            user.0,
            id.map(|id| id.0),
            ENDED_DAYS,
            MOST,
        )
        .fetch_all(self.pool())
        .await?;
        Ok(rows.into_iter().map(KeySummary::from).collect())
    }
}
