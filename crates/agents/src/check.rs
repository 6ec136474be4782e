//! Checking what a person wrote about an agent: all of it at once.

use crate::{AgentDraft, FieldError, Parameters, Viewer, Visibility, slug};

const NAME: usize = 80;
const DESCRIPTION: usize = 500;
const SYSTEM_PROMPT: usize = 100_000;
/// The most models that an agent can name.
pub const MOST_MODELS: usize = 16;
const MODEL: usize = 100;
const STARTERS: usize = 8;
const STARTER: usize = 200;
const GROUP: usize = 400;
const MAX_TOKENS: u32 = 32_768;
pub(crate) const NOTE: usize = 200;

/// The errors so far.
#[derive(Default)]
struct Errors(Vec<FieldError>);

impl Errors {
    fn add(&mut self, field: &str, message: impl Into<String>) {
        self.0.push(FieldError::new(field, message));
    }

    /// A text of at most `most` characters that PostgreSQL can keep.
    fn text(&mut self, field: &str, text: &str, most: usize) {
        if text.contains('\0') {
            self.add(field, "Remove the NUL character: it can't be kept.");
        }
        let length = text.chars().count();
        if length > most {
            self.add(
                field,
                format!("Use at most {most} characters; these are {length}."),
            );
        }
    }
}

/// Breaks the line, is invisible, or turns the direction of what is around it (Unicode
/// Bidirectional Algorithm, UAX #9): in a name, a way to look like another one.
fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The draft as it is kept. What `current`, the agent as it is, has already may stay as it
/// is where a rule is newer than the agent, or the group not one's own.
pub(crate) fn check(
    mut draft: AgentDraft,
    current: Option<&AgentDraft>,
    viewer: &Viewer,
) -> Result<AgentDraft, Vec<FieldError>> {
    tidy(&mut draft);
    let mut errors = Errors::default();
    check_texts(&draft, &mut errors);
    if current.is_none_or(|current| current.slug != draft.slug)
        && let Err(message) = slug::check(&draft.slug)
    {
        errors.add("slug", message);
    }
    check_parameters(&draft.parameters, &mut errors);
    let may_keep = current.is_some_and(|current| current.group == draft.group);
    match &draft.group {
        None if draft.visibility == Visibility::Group => {
            errors.add("group", "Choose the group that may use it.");
        }
        Some(group) if !(may_keep || viewer.administers || viewer.groups.contains(group)) => {
            errors.add("group", "Choose one of your own groups.");
        }
        Some(group) if !is_group(group) => {
            errors.add("group", "Write the group's path, such as “/research”.");
        }
        _ => {}
    }
    if errors.0.is_empty() {
        Ok(draft)
    } else {
        Err(errors.0)
    }
}

/// What forms and files have around the words.
fn tidy(draft: &mut AgentDraft) {
    for text in [&mut draft.name, &mut draft.slug, &mut draft.description] {
        *text = text.trim().replace("\r\n", "\n");
    }
    draft.system_prompt = draft.system_prompt.replace("\r\n", "\n");
    for list in [&mut draft.model_preferences, &mut draft.starters] {
        for text in &mut *list {
            *text = text.trim().to_owned();
        }
        list.retain(|text| !text.is_empty());
    }
    draft.group = draft
        .group
        .take()
        .map(|group| group.trim().to_owned())
        .filter(|group| !group.is_empty() && draft.visibility != Visibility::Private);
}

fn check_texts(draft: &AgentDraft, errors: &mut Errors) {
    if draft.name.is_empty() {
        errors.add("name", "Give it a name.");
    } else if draft.name.chars().any(is_control) {
        errors.add(
            "name",
            "Write the name on one line, without control characters.",
        );
    } else {
        errors.text("name", &draft.name, NAME);
    }
    errors.text("description", &draft.description, DESCRIPTION);
    errors.text("system_prompt", &draft.system_prompt, SYSTEM_PROMPT);
    if draft.model_preferences.len() > MOST_MODELS {
        errors.add(
            "model_preferences",
            format!("Choose at most {MOST_MODELS} models."),
        );
    }
    for (index, model) in draft.model_preferences.iter().enumerate() {
        if draft.model_preferences[..index].contains(model) {
            errors.add("model_preferences", format!("“{model}” is there twice."));
        } else if model.chars().count() > MODEL || model.chars().any(is_control) {
            errors.add(
                "model_preferences",
                format!("Model {} has no name that a model can have.", index + 1),
            );
        }
    }
    if draft.starters.len() > STARTERS {
        errors.add("starters", format!("Write at most {STARTERS} starters."));
    }
    for (index, starter) in draft.starters.iter().enumerate() {
        let length = starter.chars().count();
        if length > STARTER {
            errors.add(
                "starters",
                format!(
                    "Use at most {STARTER} characters; starter {} has {length}.",
                    index + 1
                ),
            );
        } else if starter.contains('\0') {
            errors.add(
                "starters",
                format!("Remove the NUL character from starter {}.", index + 1),
            );
        }
    }
}

fn check_parameters(parameters: &Parameters, errors: &mut Errors) {
    // Not a number is in no range.
    if parameters
        .temperature
        .is_some_and(|value| !(0.0..=2.0).contains(&value))
    {
        errors.add("parameters.temperature", "Use a number from 0 to 2.");
    }
    if parameters
        .top_p
        .is_some_and(|value| !(0.0..=1.0).contains(&value))
    {
        errors.add("parameters.top_p", "Use a number from 0 to 1.");
    }
    if parameters
        .max_tokens
        .is_some_and(|value| !(1..=MAX_TOKENS).contains(&value))
    {
        errors.add(
            "parameters.max_tokens",
            format!("Use a whole number from 1 to {MAX_TOKENS}."),
        );
    }
}

/// A path of Keycloak's: `(/[^/]+)+`.
fn is_group(path: &str) -> bool {
    path.chars().count() <= GROUP
        && !path.chars().any(is_control)
        && path
            .strip_prefix('/')
            .is_some_and(|rest| rest.split('/').all(|name| !name.is_empty()))
}

/// A word about a version; `None` where it is empty.
pub(crate) fn note(note: Option<&str>) -> Result<Option<String>, Vec<FieldError>> {
    let Some(note) = note.map(str::trim).filter(|note| !note.is_empty()) else {
        return Ok(None);
    };
    let mut errors = Errors::default();
    errors.text("note", note, NOTE);
    if errors.0.is_empty() {
        Ok(Some(note.to_owned()))
    } else {
        Err(errors.0)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn viewer() -> Viewer {
        Viewer {
            groups: vec!["/research".into()],
            manages: true,
            ..Viewer::person(Uuid::nil().into())
        }
    }

    fn good() -> AgentDraft {
        AgentDraft {
            name: "Tutor".into(),
            slug: "tutor".into(),
            ..AgentDraft::default()
        }
    }

    fn fields(draft: AgentDraft) -> Vec<String> {
        let errors = check(draft, None, &viewer()).expect_err("refused");
        errors.into_iter().map(|error| error.field).collect()
    }

    #[test]
    fn all_the_errors_come_at_once() {
        let bad = AgentDraft {
            name: " \n ".into(),
            slug: "Not A Label".into(),
            description: "x".repeat(501),
            system_prompt: "a\0b".into(),
            model_preferences: vec!["m".into(), "m".into()],
            parameters: Parameters {
                temperature: Some(2.1),
                top_p: Some(-0.1),
                seed: Some(i64::MIN),
                max_tokens: Some(0),
            },
            starters: vec!["x".repeat(201); 9],
            visibility: Visibility::Group,
            group: Some("/elsewhere".into()),
            ..AgentDraft::default()
        };
        let mut found = fields(bad);
        found.dedup();
        assert_eq!(
            found,
            [
                "name",
                "description",
                "system_prompt",
                "model_preferences",
                "starters",
                "slug",
                "parameters.temperature",
                "parameters.top_p",
                "parameters.max_tokens",
                "group",
            ]
        );
    }

    #[test]
    fn the_edges_of_every_range() {
        let parameters = |temperature, top_p, max_tokens| AgentDraft {
            parameters: Parameters {
                temperature: Some(temperature),
                top_p: Some(top_p),
                seed: None,
                max_tokens: Some(max_tokens),
            },
            ..good()
        };
        for fine in [parameters(0.0, 0.0, 1), parameters(2.0, 1.0, 32_768)] {
            assert!(check(fine, None, &viewer()).is_ok());
        }
        for bad in [
            parameters(f32::NAN, 0.5, 1),
            parameters(f32::INFINITY, 0.5, 1),
            parameters(0.5, f32::NAN, 1),
            parameters(0.5, 1.1, 1),
            parameters(0.5, 0.5, 32_769),
        ] {
            assert_eq!(fields(bad).len(), 1);
        }
        let texts = |more: usize| AgentDraft {
            name: "é".repeat(NAME + more),
            description: "é".repeat(DESCRIPTION + more),
            system_prompt: "é".repeat(SYSTEM_PROMPT + more),
            starters: vec!["é".repeat(STARTER + more); STARTERS],
            model_preferences: (0..MOST_MODELS + more).map(|n| n.to_string()).collect(),
            ..good()
        };
        assert!(check(texts(0), None, &viewer()).is_ok());
        assert_eq!(fields(texts(1)).len(), 4 + STARTERS);
    }

    #[test]
    fn forms_may_have_spaces_empty_lines_and_line_ends_of_their_own() {
        let draft = AgentDraft {
            name: "  Tutor ".into(),
            system_prompt: "One\r\ntwo".into(),
            starters: vec![" Hello ".into(), "  ".into()],
            group: Some("/research".into()),
            ..good()
        };
        let kept = check(draft, None, &viewer()).unwrap();
        assert_eq!(
            kept,
            AgentDraft {
                system_prompt: "One\ntwo".into(),
                starters: vec!["Hello".into()],
                // Nobody but the owner has to do with a private one.
                group: None,
                ..good()
            }
        );
    }

    #[test]
    fn a_name_is_what_it_looks_like() {
        for name in ["a\nb", "a\u{202e}b", "a\u{2067}b", "\u{7}"] {
            let draft = AgentDraft {
                name: name.into(),
                ..good()
            };
            assert_eq!(fields(draft), ["name"], "{name:?}");
        }
    }

    #[test]
    fn the_group_is_ones_own_or_the_one_it_has() {
        let of_group = |group: Option<&str>| AgentDraft {
            visibility: Visibility::Group,
            group: group.map(Into::into),
            ..good()
        };
        let admin = Viewer {
            administers: true,
            ..viewer()
        };
        for group in [None, Some(" "), Some("/other"), Some("research")] {
            assert_eq!(fields(of_group(group)), ["group"], "{group:?}");
        }
        for group in ["research", "/", "//a", "/a/", "/a\nb", &"/a".repeat(201)] {
            let refused = check(of_group(Some(group)), None, &admin).expect_err(group);
            assert_eq!(
                refused[0].message,
                "Write the group's path, such as “/research”."
            );
        }
        assert!(check(of_group(Some("/research")), None, &viewer()).is_ok());
        let other = of_group(Some("/other"));
        assert!(check(other.clone(), None, &admin).is_ok());
        assert!(check(other.clone(), Some(&other), &viewer()).is_ok());
    }

    #[test]
    fn an_address_from_before_the_rules_may_stay() {
        let old = AgentDraft {
            slug: "a".into(),
            ..good()
        };
        assert_eq!(fields(old.clone()), ["slug"]);
        assert!(check(old.clone(), Some(&old), &viewer()).is_ok());
    }
}
