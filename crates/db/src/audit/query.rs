//! Looking through the log.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sqlx::PgPool;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

use super::{AuditRow, row::StoredRow};
use crate::DbResult;

/// The most rows of a page.
pub const MAX_PAGE_SIZE: u16 = 200;

/// What to look for; every part that is given must fit. A text that is empty counts as
/// not given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuditQuery {
    /// Done by this person.
    pub actor_id: Option<Uuid>,
    /// Done by somebody with this in their name, in capitals or not.
    pub actor: Option<String>,
    /// This action, or all that begin so where it ends with a dot: `agent.`
    pub action: Option<String>,
    /// On this kind of thing (a table's name).
    pub target_type: Option<String>,
    /// On this thing.
    pub target_id: Option<Uuid>,
    /// Not before.
    #[serde(with = "time::serde::rfc3339::option")]
    pub from: Option<OffsetDateTime>,
    /// Before.
    #[serde(with = "time::serde::rfc3339::option")]
    pub to: Option<OffsetDateTime>,
    /// With this somewhere in the actor's name, the action or the changes, in capitals or
    /// not. Has no index: together with rare words, give a time as well in a huge log.
    pub text: Option<String>,
}

/// A page of rows, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditPage {
    /// At most as many as asked for.
    pub rows: Vec<AuditRow>,
    /// `before` for the next page; `None` where this is the last.
    pub next: Option<i64>,
}

/// The rows that fit, the newest first: the first page where `before` is `None`, else
/// those with a `sequence` less than it. Rows that are added meanwhile move no page.
///
/// `size` is 1 to [`MAX_PAGE_SIZE`]; what is outside counts as the nearer of the two.
///
/// # Errors
/// As any query.
pub async fn list(
    pool: &PgPool,
    query: &AuditQuery,
    before: Option<i64>,
    size: u16,
) -> DbResult<AuditPage> {
    let size = size.clamp(1, MAX_PAGE_SIZE);
    // One more than asked for tells whether there is another page.
    let mut found = find(pool, query, before, i64::from(size) + 1).await?;
    let more = found.len() > usize::from(size);
    found.truncate(size.into());
    Ok(AuditPage {
        next: found.last().filter(|_| more).map(|row| row.sequence),
        rows: found
            .into_iter()
            .map(AuditRow::try_from)
            .collect::<DbResult<_>>()?,
    })
}

/// The row of this number, if there is one.
///
/// # Errors
/// As any query.
pub async fn entry(pool: &PgPool, sequence: i64) -> DbResult<Option<AuditRow>> {
    let before = sequence.saturating_add(1);
    let found = find(pool, &AuditQuery::default(), Some(before), 1).await?;
    found
        .into_iter()
        .find(|row| row.sequence == sequence)
        .map(AuditRow::try_from)
        .transpose()
}

/// At most `limit` rows that fit, the newest first.
pub(super) async fn find(
    pool: &PgPool,
    query: &AuditQuery,
    before: Option<i64>,
    limit: i64,
) -> DbResult<Vec<StoredRow>> {
    let Some(filter) = Filter::of(query) else {
        return Ok(Vec::new());
    };
    // The time becomes a bound of the sequence, which grows with it, so that one index
    // serves both the order and the time.
    Ok(sqlx::query_as!(
        StoredRow,
        r#"SELECT sequence, id, actor_id, actor, action, target_type, target_id, address,
                  user_agent, changes::text AS "changes!", previous_hash, hash,
                  CASE WHEN isfinite(occurred_at)
                       THEN (extract(epoch FROM occurred_at) * 1000000)::bigint
                  END AS micros
           FROM audit_logs
           WHERE sequence < $1
             AND ($2::uuid IS NULL OR actor_id = $2)
             AND ($3::text IS NULL OR strpos(lower(actor), lower($3)) > 0)
             AND ($4::text IS NULL OR action = $4)
             AND ($5::text IS NULL OR starts_with(action, $5))
             AND ($6::text IS NULL OR target_type = $6)
             AND ($7::uuid IS NULL OR target_id = $7)
             AND ($8::timestamptz IS NULL OR sequence >= (
                    SELECT sequence FROM audit_logs WHERE occurred_at >= $8
                    ORDER BY occurred_at, sequence LIMIT 1))
             AND ($9::timestamptz IS NULL OR sequence <= (
                    SELECT sequence FROM audit_logs WHERE occurred_at < $9
                    ORDER BY occurred_at DESC, sequence DESC LIMIT 1))
             AND ($10::text IS NULL
                  OR strpos(lower(actor), lower($10)) > 0
                  OR strpos(action, lower($10)) > 0
                  OR strpos(lower(changes::text), lower($11)) > 0)
           ORDER BY sequence DESC
           LIMIT $12"#,
        before.unwrap_or(i64::MAX),
        query.actor_id,
        filter.actor,
        filter.action,
        filter.action_prefix,
        filter.target_type,
        query.target_id,
        query.from,
        query.to,
        filter.text,
        filter.text_in_json,
        limit,
    )
    .fetch_all(pool)
    .await?)
}

/// The texts of a query, made ready for SQL.
#[derive(Debug, PartialEq, Eq)]
struct Filter<'a> {
    actor: Option<&'a str>,
    action: Option<&'a str>,
    action_prefix: Option<&'a str>,
    target_type: Option<&'a str>,
    text: Option<&'a str>,
    /// With quotes and the like as JSON writes them.
    text_in_json: Option<String>,
}

impl<'a> Filter<'a> {
    /// `None` where nothing can fit: PostgreSQL has no text with a NUL in it.
    fn of(query: &'a AuditQuery) -> Option<Self> {
        let [actor, action, target_type, text] = query.texts();
        if [actor, action, target_type, text]
            .iter()
            .flatten()
            .any(|text| text.contains('\0'))
        {
            return None;
        }
        let (action_prefix, action) = match action {
            Some(action) if action.ends_with('.') => (Some(action), None),
            action => (None, action),
        };
        Some(Self {
            actor,
            action,
            action_prefix,
            target_type,
            text,
            text_in_json: text.map(|text| {
                let quoted = Value::from(text).to_string();
                quoted[1..quoted.len() - 1].to_owned()
            }),
        })
    }
}

impl AuditQuery {
    /// Actor, action, kind of target and text, where they are given.
    fn texts(&self) -> [Option<&str>; 4] {
        [&self.actor, &self.action, &self.target_type, &self.text].map(|text| {
            text.as_deref()
                .map(str::trim)
                .filter(|text| !text.is_empty())
        })
    }

    /// What is given, as changes of an audit entry.
    pub(super) fn as_changes(&self) -> Map<String, Value> {
        let [actor, action, target_type, text] = self.texts();
        // PostgreSQL's JSON has no NUL either.
        let text_of = |text: Option<&str>| text.map(|text| json!(text.replace('\0', "\u{fffd}")));
        let time_of = |time: OffsetDateTime| time.format(&Rfc3339).ok().map(Value::from);
        [
            ("actor_id", self.actor_id.map(|id| json!(id))),
            ("actor", text_of(actor)),
            ("action", text_of(action)),
            ("target_type", text_of(target_type)),
            ("target_id", self.target_id.map(|id| json!(id))),
            ("from", self.from.and_then(time_of)),
            ("to", self.to.and_then(time_of)),
            ("text", text_of(text)),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), json!([null, value?]))))
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn a_dot_at_the_end_makes_a_prefix() {
        let mut query = AuditQuery {
            action: some("agent."),
            ..AuditQuery::default()
        };
        let filter = Filter::of(&query).unwrap();
        assert_eq!(
            (filter.action, filter.action_prefix),
            (None, Some("agent."))
        );
        query.action = some(" agent.create ");
        let filter = Filter::of(&query).unwrap();
        assert_eq!(
            (filter.action, filter.action_prefix),
            (Some("agent.create"), None)
        );
    }

    #[test]
    fn empty_is_not_given_and_nul_is_nowhere() {
        let mut query = AuditQuery {
            actor: some(""),
            target_type: some("  "),
            text: some("\"é\"\n"),
            ..AuditQuery::default()
        };
        let filter = Filter::of(&query).unwrap();
        assert_eq!((filter.actor, filter.target_type), (None, None));
        assert_eq!(filter.text_in_json.as_deref(), Some(r#"\"é\""#));
        assert_eq!(query.as_changes().len(), 1);
        query.actor = some("a\0b");
        assert_eq!(Filter::of(&query), None);
        assert_eq!(query.as_changes()["actor"][1], "a\u{fffd}b");
    }
}
