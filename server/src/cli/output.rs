//! What the commands print. That nobody reads on (a closed pipe) is no error.

use std::{
    io::{self, ErrorKind, Write, stderr, stdout},
    process::ExitCode,
};

use serde::Serialize;

/// One line of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Row {
    /// What was looked at.
    pub what: String,
    /// Whether it is well.
    pub ok: bool,
    /// What was found, or what to do.
    pub detail: String,
}

impl Row {
    pub(super) fn new(what: impl Into<String>, ok: bool, detail: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            ok,
            detail: detail.into(),
        }
    }
}

/// Text for people.
pub(super) fn text(text: &str) {
    drop(writeln!(stdout(), "{text}"));
}

/// A piece of a file that goes to the standard output. False where nobody reads on.
///
/// # Errors
/// Where it can't be written, as on a full disk.
pub(super) fn piece(bytes: &[u8]) -> io::Result<bool> {
    let mut out = stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error),
    }
}

/// The reason for a failure.
pub(super) fn error(text: &str) {
    drop(writeln!(stderr(), "{text}"));
}

/// A value for machines.
pub(super) fn json(value: &impl Serialize) {
    match serde_json::to_string_pretty(value) {
        Ok(json) => text(&json),
        Err(reason) => error(&reason.to_string()),
    }
}

/// A report; the exit code tells whether every row is well.
pub(super) fn report(rows: &[Row], as_json: bool) -> ExitCode {
    if as_json {
        json(&rows);
    } else {
        text(&table(rows));
    }
    if rows.iter().all(|row| row.ok) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn table(rows: &[Row]) -> String {
    let width = rows
        .iter()
        .map(|row| row.what.chars().count())
        .max()
        .unwrap_or(0);
    rows.iter()
        .map(|Row { what, ok, detail }| {
            let mark = if *ok { "ok  " } else { "FAIL" };
            format!("{mark}  {what:width$}  {detail}")
                .trim_end()
                .to_owned()
        })
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_lines_up() {
        let rows = [
            Row::new("database", true, "18.6"),
            Row::new("redis", false, "no answer at …"),
        ];
        assert_eq!(
            table(&rows),
            "ok    database  18.6\nFAIL  redis     no answer at …"
        );
    }
}
