//! Copies of the log for other programs.

use bytes::Bytes;
use csv::{Terminator, WriterBuilder};
use futures::{Stream, stream};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sqlx::PgPool;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use super::{AuditQuery, query::find, row::StoredRow};
use crate::{DbError, DbResult};

/// Rows that are read and written together.
const BATCH: i64 = 100;

/// How a copy is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExportFormat {
    /// Comma-separated values (RFC 4180) in UTF-8, with a line of names first.
    ///
    /// A spreadsheet takes a text that begins with `=`, `+`, `-`, `@`, a tab or a line
    /// break for a formula, and an attacker can choose a user agent, for one. Such texts
    /// get an apostrophe before them, which spreadsheets don't show. Where that matters,
    /// take JSON lines, which have every text as it is.
    Csv,
    /// JSON lines: one object to a line, in UTF-8.
    Jsonl,
}

impl ExportFormat {
    /// The media type (RFC 7111; JSON lines have none that is registered).
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Jsonl => "application/jsonl; charset=utf-8",
        }
    }

    /// The end of a file's name, without the dot.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
        }
    }
}

/// Everything that fits, the newest first, in pieces of whole lines. Each piece is a
/// query of its own, so memory does not grow with the log and a slow reader holds no
/// connection; rows that are added after the first piece are not part of it. `changes` is
/// the very text that the hash covers.
///
/// Whoever takes a copy is noted with [`record_export`](super::record_export).
pub fn export(
    pool: &PgPool,
    query: AuditQuery,
    format: ExportFormat,
) -> impl Stream<Item = DbResult<Bytes>> + Send + 'static {
    let start = State {
        pool: pool.clone(),
        query,
        before: None,
        done: false,
    };
    stream::try_unfold(start, move |mut state| async move {
        if state.done {
            return Ok(None);
        }
        let rows = find(&state.pool, &state.query, state.before, BATCH).await?;
        let first = state.before.is_none();
        let full = i64::try_from(rows.len()) == Ok(BATCH);
        state.done = !full;
        state.before = rows.last().map(|row| row.sequence);
        let piece = match format {
            ExportFormat::Csv => csv_lines(&rows, first),
            ExportFormat::Jsonl => json_lines(&rows),
        }?;
        Ok::<_, DbError>(Some((Bytes::from(piece), state)))
    })
}

struct State {
    pool: PgPool,
    query: AuditQuery,
    before: Option<i64>,
    done: bool,
}

/// The names of the fields, in order; JSON lines have the same.
const NAMES: [&str; 13] = [
    "sequence",
    "id",
    "occurred_at",
    "actor_id",
    "actor",
    "action",
    "target_type",
    "target_id",
    "address",
    "user_agent",
    "changes",
    "previous_hash",
    "hash",
];

fn csv_lines(rows: &[StoredRow], first: bool) -> DbResult<Vec<u8>> {
    let mut writer = WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .from_writer(Vec::new());
    if first {
        writer.write_record(NAMES).map_err(unwritable)?;
    }
    let id = |id: Option<Uuid>| id.map(|id| id.to_string()).unwrap_or_default();
    let text = |text: &Option<String>| text.as_deref().map(harmless).unwrap_or_default();
    for row in rows {
        writer
            .write_record([
                row.sequence.to_string(),
                row.id.to_string(),
                time(row)?,
                id(row.actor_id),
                harmless(&row.actor),
                harmless(&row.action),
                text(&row.target_type),
                id(row.target_id),
                row.address().unwrap_or_default(),
                text(&row.user_agent),
                harmless(&row.changes),
                base16ct::lower::encode_string(&row.previous_hash),
                base16ct::lower::encode_string(&row.hash),
            ])
            .map_err(unwritable)?;
    }
    writer
        .into_inner()
        .map_err(|error| unwritable(error.into_error()))
}

/// A text that no spreadsheet takes for a formula
/// (<https://owasp.org/www-community/attacks/CSV_Injection>).
fn harmless(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

#[derive(Serialize)]
struct Line<'a> {
    sequence: i64,
    id: Uuid,
    occurred_at: String,
    actor_id: Option<Uuid>,
    actor: &'a str,
    action: &'a str,
    target_type: Option<&'a str>,
    target_id: Option<Uuid>,
    address: Option<String>,
    user_agent: Option<&'a str>,
    changes: &'a RawValue,
    previous_hash: String,
    hash: String,
}

fn json_lines(rows: &[StoredRow]) -> DbResult<Vec<u8>> {
    let mut lines = Vec::new();
    for row in rows {
        let line = Line {
            sequence: row.sequence,
            id: row.id,
            occurred_at: time(row)?,
            actor_id: row.actor_id,
            actor: &row.actor,
            action: &row.action,
            target_type: row.target_type.as_deref(),
            target_id: row.target_id,
            address: row.address(),
            user_agent: row.user_agent.as_deref(),
            changes: serde_json::from_str(&row.changes).map_err(unwritable)?,
            previous_hash: base16ct::lower::encode_string(&row.previous_hash),
            hash: base16ct::lower::encode_string(&row.hash),
        };
        serde_json::to_writer(&mut lines, &line).map_err(unwritable)?;
        lines.push(b'\n');
    }
    Ok(lines)
}

/// RFC 3339, in UTC, with all the digits that are not zero.
fn time(row: &StoredRow) -> DbResult<String> {
    row.occurred_at()?.format(&Rfc3339).map_err(unwritable)
}

fn unwritable(error: impl std::error::Error + Send + Sync + 'static) -> DbError {
    sqlx::Error::Encode(Box::new(error)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_texts() {
        for text in [
            "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1",
        ] {
            assert_eq!(harmless(text), format!("'{text}"));
        }
        for text in ["", "a=b", " =1", "'=1", "{}", "Mozilla/5.0 (X11)"] {
            assert_eq!(harmless(text), text);
        }
    }
}
