//! A row of the log, as it is stored and as it is read.

use serde::Serialize;
use serde_json::{Map, Value};
use sqlx::types::ipnetwork::IpNetwork;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::DbResult;

/// A row as PostgreSQL has it, nothing interpreted: what was tampered with may not make
/// sense.
#[derive(Debug, Clone)]
pub(super) struct StoredRow {
    pub sequence: i64,
    pub id: Uuid,
    /// Microseconds since 1970; `None` for an infinite time.
    pub micros: Option<i64>,
    pub actor_id: Option<Uuid>,
    pub actor: String,
    pub action: String,
    pub target_type: Option<String>,
    pub target_id: Option<Uuid>,
    pub address: Option<IpNetwork>,
    pub user_agent: Option<String>,
    /// The text of the `jsonb`, which is what the hash covers.
    pub changes: String,
    pub previous_hash: Vec<u8>,
    pub hash: Vec<u8>,
}

/// A row of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditRow {
    /// Its place in the chain: 1, 2, 3…
    pub sequence: i64,
    /// The key.
    pub id: Uuid,
    /// When, by the database's clock; never before the time of the row before it.
    #[serde(with = "time::serde::rfc3339")]
    pub occurred_at: OffsetDateTime,
    /// Who, where it is a person: of `users`, who may be gone by now.
    pub actor_id: Option<Uuid>,
    /// The username at the time, or the program (`onelastai db migrate`).
    pub actor: String,
    /// What: `session.sign_in`.
    pub action: String,
    /// On which kind of thing (a table's name).
    pub target_type: Option<String>,
    /// On which one; it may be gone by now.
    pub target_id: Option<Uuid>,
    /// From which address, without the length of a network.
    pub address: Option<String>,
    /// As the browser said; anything can stand here.
    pub user_agent: Option<String>,
    /// `{"field": [before, after]}`
    pub changes: Map<String, Value>,
    /// The hash in hexadecimal.
    pub hash: String,
}

impl StoredRow {
    /// When it happened.
    ///
    /// # Errors
    /// Where the time is none that we can represent, which only tampering leaves behind.
    pub(super) fn occurred_at(&self) -> DbResult<OffsetDateTime> {
        self.micros
            .and_then(|micros| {
                OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000).ok()
            })
            .ok_or_else(|| {
                let reason = format!("row {} of the audit log has no valid time", self.sequence);
                sqlx::Error::Decode(reason.into()).into()
            })
    }

    /// Only the address; a network stays one.
    pub(super) fn address(&self) -> Option<String> {
        self.address.map(|network| {
            let whole = if network.is_ipv4() { 32 } else { 128 };
            if network.prefix() == whole {
                network.ip().to_string()
            } else {
                network.to_string()
            }
        })
    }
}

impl TryFrom<StoredRow> for AuditRow {
    type Error = crate::DbError;

    fn try_from(row: StoredRow) -> DbResult<Self> {
        Ok(Self {
            occurred_at: row.occurred_at()?,
            address: row.address(),
            changes: changes(&row.changes),
            hash: base16ct::lower::encode_string(&row.hash),
            sequence: row.sequence,
            id: row.id,
            actor_id: row.actor_id,
            actor: row.actor,
            action: row.action,
            target_type: row.target_type,
            target_id: row.target_id,
            user_agent: row.user_agent,
        })
    }
}

/// `jsonb` can hold what `serde_json` can't (1e400, arrays 200 deep). Such a row, of some
/// other program, must not take its page with it, so its text stands in for it.
fn changes(text: &str) -> Map<String, Value> {
    serde_json::from_str(text).unwrap_or_else(|_| {
        Map::from_iter([("changes".to_owned(), serde_json::json!([null, text]))])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_a_map_or_their_text() {
        assert_eq!(changes(r#"{"a": [1, "x"]}"#)["a"][1], "x");
        let huge = format!(r#"{{"a": [0, 1{}]}}"#, "0".repeat(400));
        assert_eq!(changes(&huge)["changes"][1], huge.as_str());
        let deep = format!(r#"{{"a": {}{}}}"#, "[".repeat(200), "]".repeat(200));
        assert_eq!(changes(&deep)["changes"][1], deep.as_str());
    }
}
