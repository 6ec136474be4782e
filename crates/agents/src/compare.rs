//! What changed from one version to another.

use std::time::Duration;

use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use crate::AgentDraft;

/// Two long texts that have nothing in common take the diff longer than anybody waits;
/// after this it takes what it has found, which is right but not the shortest.
const PATIENCE: Duration = Duration::from_millis(200);

/// What became of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LineKind {
    /// It is in both.
    Same,
    /// It was only before.
    Removed,
    /// It is only after.
    Added,
}

/// One line of a text that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffLine {
    /// What became of it.
    pub kind: LineKind,
    /// The line, without its end.
    pub text: String,
}

/// One field that changed.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldChange {
    /// Its name in [`AgentDraft::FIELDS`].
    pub field: &'static str,
    /// What it was, as JSON.
    pub before: Value,
    /// What it is, as JSON.
    pub after: Value,
    /// Of the instructions and the description: every line of both, in order. Empty for
    /// the other fields.
    pub lines: Vec<DiffLine>,
}

/// The fields that differ, in the order of the form.
///
/// # Errors
/// None for any draft there is: what is in it can be JSON.
pub fn compare(
    before: &AgentDraft,
    after: &AgentDraft,
) -> Result<Vec<FieldChange>, serde_json::Error> {
    let (mut old, mut new) = (before.to_map()?, after.to_map()?);
    let mut changed = Vec::new();
    for field in AgentDraft::FIELDS {
        let before = old.remove(field).unwrap_or_default();
        let after = new.remove(field).unwrap_or_default();
        if before == after {
            continue;
        }
        let lines = match (field, &before, &after) {
            ("description" | "system_prompt", Value::String(before), Value::String(after)) => {
                diff_lines(before, after)
            }
            _ => Vec::new(),
        };
        changed.push(FieldChange {
            field,
            before,
            after,
            lines,
        });
    }
    Ok(changed)
}

/// Every line of both texts, in order. Stops looking for the shortest difference after 200 ms.
#[must_use]
pub fn diff_lines(before: &str, after: &str) -> Vec<DiffLine> {
    let (before, after): (Vec<&str>, Vec<&str>) =
        (before.lines().collect(), after.lines().collect());
    TextDiff::configure()
        .timeout(PATIENCE)
        .diff_slices(&before, &after)
        .iter_all_changes()
        .map(|change| DiffLine {
            kind: match change.tag() {
                ChangeTag::Equal => LineKind::Same,
                ChangeTag::Delete => LineKind::Removed,
                ChangeTag::Insert => LineKind::Added,
            },
            text: change.value().to_owned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use serde_json::json;

    use super::*;

    #[test]
    fn fields_come_with_before_and_after_and_long_text_by_lines() {
        let before = AgentDraft {
            name: "Tutor".into(),
            system_prompt: "Be kind.\nBe brief.\nAsk back.".into(),
            ..AgentDraft::default()
        };
        let after = AgentDraft {
            system_prompt: "Be kind.\nBe thorough.\nAsk back.\n".into(),
            starters: vec!["Hello".into()],
            ..before.clone()
        };
        let changed = compare(&before, &after).unwrap();
        let fields: Vec<_> = changed.iter().map(|change| change.field).collect();
        assert_eq!(fields, ["system_prompt", "starters"]);
        let lines: Vec<_> = changed[0]
            .lines
            .iter()
            .map(|line| (line.kind, line.text.as_str()))
            .collect();
        assert_eq!(
            lines,
            [
                (LineKind::Same, "Be kind."),
                (LineKind::Removed, "Be brief."),
                (LineKind::Added, "Be thorough."),
                (LineKind::Same, "Ask back."),
            ]
        );
        assert_eq!(
            (&changed[1].before, &changed[1].after),
            (&json!([]), &json!(["Hello"]))
        );
        assert!(changed[1].lines.is_empty());
        assert_eq!(compare(&after, &after).unwrap(), []);
    }

    #[test]
    fn the_worst_texts_are_compared_in_time_and_nothing_is_lost() {
        let text = |offset: usize| -> String {
            (0..15_000)
                .map(|n| format!("{}\n", (n * 7919 + offset) % 10_007))
                .collect()
        };
        let (before, after) = (text(0), text(5003));
        let begun = Instant::now();
        let lines = diff_lines(&before, &after);
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "{:?}",
            begun.elapsed()
        );
        let side = |other: LineKind| -> String {
            lines
                .iter()
                .filter(|line| line.kind != other)
                .map(|line| format!("{}\n", line.text))
                .collect()
        };
        assert_eq!(side(LineKind::Added), before);
        assert_eq!(side(LineKind::Removed), after);
    }
}
