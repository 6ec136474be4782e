//! `onelastai audit …`

use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use futures::{StreamExt, pin_mut};
use onelastai_db::{
    Actor, Origin, PgPool,
    audit::{
        AuditQuery, AuditRow, ExportFormat, Head, Report, export, list, record_export, verify,
    },
    connect, status,
};
use serde_json::{Value, json};
use time::{
    Date, OffsetDateTime, Time, format_description::well_known::Rfc3339, macros::format_description,
};
use uuid::Uuid;

use super::{
    Done,
    output::{self, Row},
};
use crate::config::DatabaseConfig;

/// The audit log.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Find out whether the log is as it was written; the exit code tells.
    ///
    /// Works out the hash of every row anew and follows the chain to its head. Note down the
    /// head that it prints, where nobody who can write to the database can change it: somebody
    /// who can rewrite the whole chain is found out only with --head.
    Verify {
        /// A head that was noted down earlier; the log must still have it.
        #[arg(long, value_name = "SEQUENCE:HASH")]
        head: Option<Head>,
    },
    /// Show rows, the newest first.
    List {
        #[command(flatten)]
        filter: Filter,
        /// At most so many rows.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=200))]
        limit: u16,
        /// Only rows before this one, to go on where a list ended.
        #[arg(long, value_name = "SEQUENCE")]
        before: Option<i64>,
    },
    /// Write all rows to the standard output, the newest first. The log notes that.
    Export {
        /// What to write.
        #[arg(long, value_enum)]
        format: Format,
        #[command(flatten)]
        filter: Filter,
    },
}

/// How a copy is written.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Format {
    /// Comma-separated values; texts that a spreadsheet would run as formulas begin with '.
    Csv,
    /// JSON lines, which have every text as it is.
    Jsonl,
}

/// Which rows; all that is given must fit.
#[derive(Debug, Args)]
pub(super) struct Filter {
    /// Who: an id, or a part of the name.
    #[arg(long)]
    actor: Option<String>,
    /// What was done: agent.create, or agent. for all that begin so.
    #[arg(long)]
    action: Option<String>,
    /// The kind of thing it was done to, as agents.
    #[arg(long)]
    target_type: Option<String>,
    /// The thing it was done to.
    #[arg(long, value_name = "ID")]
    target_id: Option<Uuid>,
    /// Not before: a day (2026-11-25, in UTC) or a time (2026-11-25T13:00:00Z).
    #[arg(long, value_name = "TIME", value_parser = not_before)]
    from: Option<OffsetDateTime>,
    /// Not after this day, or before this time.
    #[arg(long, value_name = "TIME", value_parser = not_after)]
    to: Option<OffsetDateTime>,
    /// A text in the actor's name, the action or the changes.
    #[arg(long)]
    text: Option<String>,
}

impl From<Filter> for AuditQuery {
    fn from(filter: Filter) -> Self {
        let actor_id = filter.actor.as_deref().and_then(|text| text.parse().ok());
        Self {
            actor_id,
            actor: filter.actor.filter(|_| actor_id.is_none()),
            action: filter.action,
            target_type: filter.target_type,
            target_id: filter.target_id,
            from: filter.from,
            to: filter.to,
            text: filter.text,
        }
    }
}

pub(super) async fn run(command: Command, config: &DatabaseConfig, json: bool) -> Done {
    let pool = connect(&config.pool()).await?;
    if status(&pool).await?.iter().any(|it| !it.applied) {
        return Err("the database is not up to date: onelastai db migrate".into());
    }
    match command {
        Command::Verify { head } => {
            let report = verify(&pool, head.as_ref()).await?;
            Ok(tell(&report, head.as_ref(), json))
        }
        Command::List {
            filter,
            limit,
            before,
        } => {
            let page = list(&pool, &filter.into(), before, limit).await?;
            if json {
                output::json(&page);
                return Ok(ExitCode::SUCCESS);
            }
            for row in &page.rows {
                output::text(&line(row));
            }
            if let Some(next) = page.next {
                output::error(&format!("There is more: --before {next}"));
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Export { format, filter } => {
            let format = match format {
                Format::Csv => ExportFormat::Csv,
                Format::Jsonl => ExportFormat::Jsonl,
            };
            write_out(&pool, filter.into(), format).await
        }
    }
}

async fn write_out(pool: &PgPool, query: AuditQuery, format: ExportFormat) -> Done {
    let actor = Actor::Program("onelastai audit export");
    record_export(pool, &actor, &Origin::default(), &query, format).await?;
    let pieces = export(pool, query, format);
    pin_mut!(pieces);
    while let Some(piece) = pieces.next().await {
        let written = output::piece(&piece?);
        if !written.map_err(|error| format!("the copy is not whole: {error}"))? {
            break;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn tell(report: &Report, noted: Option<&Head>, as_json: bool) -> ExitCode {
    if as_json {
        let faults: Vec<Value> = report
            .faults
            .iter()
            .map(|fault| json!({ "fault": fault, "text": fault.to_string() }))
            .collect();
        output::json(&json!({
            "ok": report.is_sound(),
            "rows": report.rows,
            "head": report.head,
            "faults": faults,
            "more_faults": report.more_faults,
        }));
        return u8::from(!report.is_sound()).into();
    }
    let mut rows = vec![Row::new("rows", true, report.rows.to_string())];
    if report.is_sound() {
        rows.push(Row::new("chain", true, "every row is as it was written"));
        if let Some(noted) = noted {
            let text = format!("row {} is the one that was noted", noted.sequence);
            rows.push(Row::new("noted", true, text));
        }
    }
    for fault in &report.faults {
        rows.push(Row::new("chain", false, fault.to_string()));
    }
    if report.more_faults > 0 {
        let text = format!("{} more faults", report.more_faults);
        rows.push(Row::new("chain", false, text));
    }
    rows.push(Row::new("head", true, report.head.to_string()));
    let code = output::report(&rows, false);
    if report.is_sound() {
        output::text(
            "\nNote the head down, away from this database, and give it to a later run as --head.",
        );
    }
    code
}

/// One line of a list.
fn line(row: &AuditRow) -> String {
    let time = row.occurred_at.truncate_to_second();
    let time = time.format(&Rfc3339).unwrap_or_default();
    let mut target = row.target_type.clone().unwrap_or_default();
    if let Some(id) = row.target_id {
        target.push_str(&format!("/{id}"));
    }
    let mut line = format!(
        "{}  {time}  {}  {}  {target}",
        row.sequence, row.actor, row.action
    );
    if !row.changes.is_empty() {
        line.push_str("  ");
        line.push_str(&Value::Object(row.changes.clone()).to_string());
    }
    visible(&line)
}

/// Texts of others must neither steer the terminal nor turn the line around.
fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if c.is_control() || turns {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

fn not_before(text: &str) -> Result<OffsetDateTime, String> {
    when(text, Some)
}

fn not_after(text: &str) -> Result<OffsetDateTime, String> {
    when(text, Date::next_day)
}

/// A time, or the beginning of the day that `of_day` makes of a day.
fn when(text: &str, of_day: impl Fn(Date) -> Option<Date>) -> Result<OffsetDateTime, String> {
    if let Ok(time) = OffsetDateTime::parse(text, &Rfc3339) {
        return Ok(time);
    }
    Date::parse(text, format_description!("[year]-[month]-[day]"))
        .ok()
        .and_then(of_day)
        .map(|day| day.with_time(Time::MIDNIGHT).assume_utc())
        .ok_or_else(|| "a day (2026-11-25) or a time (2026-11-25T13:00:00Z) is needed".to_owned())
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_day_is_meant_as_a_whole() {
        assert_eq!(not_before("2026-11-25"), Ok(datetime!(2026-11-25 0:00 UTC)));
        assert_eq!(not_after("2026-12-31"), Ok(datetime!(2027-01-01 0:00 UTC)));
        for parse in [not_before, not_after] {
            assert_eq!(
                parse("2026-11-25T13:00:00+01:00"),
                Ok(datetime!(2026-11-25 12:00 UTC))
            );
            for wrong in ["", "yesterday", "2026-02-30", "2026-11-25 13:00"] {
                assert!(parse(wrong).is_err(), "{wrong}");
            }
        }
        assert!(not_after("9999-12-31").is_err());
    }

    #[test]
    fn a_line_stays_a_line() {
        assert_eq!(
            visible("Zoë\n\u{1b}[2J\u{202e}x"),
            "Zoë\\n\\u{1b}[2J\\u{202e}x"
        );
    }
}
