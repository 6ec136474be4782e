//! Agents as files. The format is described in `docs/AGENT-FILE.md`.

use serde::{Deserialize, Serialize};

use crate::{AgentDraft, FieldError};

const FORMAT: &str = "onelastai-agent";
const VERSION: u32 = 1;
/// The largest file, in bytes: the longest instructions as escapes, and the rest.
const MAX_BYTES: usize = 2 << 20;

/// What every version of the format begins with. What is not of it is of no interest yet.
#[derive(Deserialize)]
struct Head {
    format: Option<String>,
    version: Option<u32>,
}

#[derive(Serialize)]
struct Written<'a> {
    format: &'a str,
    version: u32,
    agent: &'a AgentDraft,
}

#[derive(Deserialize)]
struct Read {
    #[serde(rename = "format")]
    _format: String,
    #[serde(rename = "version")]
    _version: u32,
    agent: AgentDraft,
}

/// An agent as a file.
pub(crate) fn write(agent: &AgentDraft) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(&Written {
        format: FORMAT,
        version: VERSION,
        agent,
    })?;
    text.push('\n');
    Ok(text)
}

fn refused(message: impl Into<String>) -> Vec<FieldError> {
    vec![FieldError::new("file", message)]
}

/// The agent of a file, not checked yet. Whatever the format doesn't know is an error, so
/// that nobody believes it was taken over.
pub(crate) fn read(json: &str) -> Result<AgentDraft, Vec<FieldError>> {
    if json.len() > MAX_BYTES {
        return Err(refused("The file is too large for an agent: at most 2 MB."));
    }
    // Files that went through some editors begin with a byte order mark (RFC 8259, 8.1).
    let json = json.trim_start_matches('\u{feff}');
    let unreadable =
        |error: serde_json::Error| refused(format!("The file can't be read: {error}."));
    let head: Head = serde_json::from_str(json).map_err(unreadable)?;
    if head.format.as_deref() != Some(FORMAT) {
        return Err(refused(format!(
            "This is not the file of an agent: its “format” has to be “{FORMAT}”."
        )));
    }
    match head.version {
        Some(VERSION) => {}
        Some(other) => {
            return Err(refused(format!(
                "The file is of version {other}, but only version {VERSION} can be read."
            )));
        }
        None => return Err(refused("The file has no “version”.")),
    }
    let mut unknown = Vec::new();
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let read: Read = serde_ignored::deserialize(&mut deserializer, |path| {
        unknown.push(FieldError::new(
            path.to_string(),
            "There is no such field. Check how it is written, or remove it.",
        ));
    })
    .map_err(unreadable)?;
    deserializer.end().map_err(unreadable)?;
    if unknown.is_empty() {
        Ok(read.agent)
    } else {
        Err(unknown)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::Visibility;

    fn example() -> String {
        let page = include_str!("../../../docs/AGENT-FILE.md");
        let (_, rest) = page.split_once("```json\n").unwrap();
        rest.split_once("```").unwrap().0.to_owned()
    }

    fn messages(file: &Value) -> Vec<(String, String)> {
        let errors = read(&file.to_string()).expect_err("refused");
        errors
            .into_iter()
            .map(|error| (error.field, error.message))
            .collect()
    }

    #[test]
    fn the_example_has_every_field_and_comes_back_as_it_is() {
        let agent = read(&example()).unwrap();
        assert_eq!(agent.avatar, "🧭".parse().unwrap());
        assert_eq!(agent.visibility, Visibility::SignedIn);
        let written: Value = serde_json::from_str(&write(&agent).unwrap()).unwrap();
        let documented: Value = serde_json::from_str(&example()).unwrap();
        assert_eq!(written, documented);
        assert_eq!(read(&write(&agent).unwrap()).unwrap(), agent);
    }

    #[test]
    fn what_is_not_known_is_named_all_of_it() {
        let mut file: Value = serde_json::from_str(&example()).unwrap();
        file["owner"] = json!("me");
        file["agent"]["id"] = json!("01890a5d-ac96-774b-bcce-b302099a8057");
        file["agent"]["parameters"]["top_k"] = json!(40);
        let mut fields: Vec<_> = messages(&file)
            .into_iter()
            .map(|(field, _)| field)
            .collect();
        fields.sort();
        assert_eq!(fields, ["agent.id", "agent.parameters.top_k", "owner"]);
    }

    #[test]
    fn what_is_no_agent_is_refused_with_a_reason() {
        for (file, word) in [
            (json!([]), "can't be read"),
            (json!({}), "not the file of an agent"),
            (
                json!({"format": "other", "version": 1}),
                "not the file of an agent",
            ),
            (json!({"format": FORMAT}), "no “version”"),
            (
                json!({"format": FORMAT, "version": 2, "agents": []}),
                "version 2",
            ),
            (
                json!({"format": FORMAT, "version": 1}),
                "missing field `agent`",
            ),
            (
                json!({"format": FORMAT, "version": 1, "agent": {"avatar": "<b>"}}),
                "exactly one emoji",
            ),
            (
                json!({"format": FORMAT, "version": 1, "agent": {"visibility": "all"}}),
                "unknown variant",
            ),
            (
                json!({"format": FORMAT, "version": 1, "agent": {"parameters": {"seed": 1.5}}}),
                "expected i64",
            ),
        ] {
            let found = messages(&file);
            assert!(
                found.len() == 1 && found[0].1.contains(word),
                "{file}: {found:?}"
            );
        }
        for (text, word) in [
            ("{\"format\":".to_owned(), "can't be read"),
            (example() + "x", "trailing"),
            (
                example().replace("\"slug\"", "\"name\""),
                "duplicate field `name`",
            ),
            (" ".repeat(MAX_BYTES + 1), "too large"),
            ("[".repeat(100_000), "can't be read"),
        ] {
            let errors = read(&text).expect_err(word);
            assert!(errors[0].message.contains(word), "{errors:?}");
        }
        assert!(read(&format!("\u{feff}{}", example())).is_ok());
    }
}
