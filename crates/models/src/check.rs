//! What can't be said about a model.

use std::collections::HashSet;

use crate::{
    draft::ModelDraft,
    error::FieldError,
    instances::{self, MOST, address},
};

/// Everything that is wrong with a draft; an empty list for a good one.
pub(crate) fn check(draft: &ModelDraft) -> Vec<FieldError> {
    let mut wrong = Vec::new();
    let mut note = |field, message: &str| wrong.push(FieldError::new(field, message));
    if !is_name(&draft.id) {
        note(
            "id",
            "A name has 1 to 63 small letters, digits, dots, hyphens or underscores, and begins \
             with a letter or digit.",
        );
    }
    let length = |text: &str| text.trim().chars().count();
    if !(1..=80).contains(&length(&draft.display_name)) {
        note("display_name", "A name for people has 1 to 80 characters.");
    }
    let plain = |text: &str| !text.chars().any(char::is_control);
    if !(1..=200).contains(&length(&draft.engine_name)) || !plain(&draft.engine_name) {
        note(
            "engine_name",
            "Give its name at the engine, in one line of at most 200 characters.",
        );
    }
    if length(&draft.purpose) > 200 {
        note("purpose", "At most 200 characters.");
    }
    if !(256..=100_000_000).contains(&draft.context_length) {
        note("context_length", "Use a number from 256 to 100000000.");
    }
    if !(0..=100_000).contains(&draft.position) {
        note("position", "Use a number from 0 to 100000.");
    }
    if !(draft.capabilities.chat || draft.capabilities.embeddings) {
        note(
            "capabilities",
            "It answers conversations, or turns texts into vectors, or both.",
        );
    }
    if let Some(price) = &draft.price {
        let code = price.currency.bytes();
        if code.len() != 3 || !code.into_iter().all(|byte| byte.is_ascii_uppercase()) {
            note(
                "price_currency",
                "A currency is three capital letters, such as USD.",
            );
        }
        // A million units for a million tokens: more is a slip of the hand.
        for (field, micros) in [
            ("price_prompt", price.prompt_micros_per_million),
            ("price_completion", price.completion_micros_per_million),
        ] {
            if micros > 1_000_000_000_000 {
                note(field, "A price is at most 1000000.");
            }
        }
    }
    match draft.instances.len() {
        0 => note("instances", "Give at least one address."),
        count if count > MOST => note("instances", "At most 50 addresses."),
        _ => {}
    }
    let mut seen = HashSet::new();
    for instance in &draft.instances {
        if let Err(message) = instances::check(instance) {
            note("instances", message);
        }
        if !seen.insert(address(&instance.url)) {
            note("instances", "An address stands there twice.");
        }
    }
    wrong
}

fn is_name(id: &str) -> bool {
    let small = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let mut bytes = id.bytes();
    id.len() <= 63
        && bytes.next().is_some_and(small)
        && bytes.all(|byte| small(byte) || matches!(byte, b'.' | b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use onelastai_model_router::{Capabilities, Price};

    use super::*;
    use crate::instances::parse_instances;

    fn good() -> ModelDraft {
        ModelDraft {
            id: "qwen3".to_owned(),
            display_name: "Qwen 3".to_owned(),
            engine_name: "qwen3:4b".to_owned(),
            instances: parse_instances("http://gpu:11434", 4).unwrap(),
            ..ModelDraft::empty()
        }
    }

    #[test]
    fn a_good_one_passes() {
        assert_eq!(check(&good()), []);
    }

    #[test]
    fn what_is_wrong_is_told_at_its_field() {
        let mut bad = good();
        bad.id = "Qwen 3".to_owned();
        bad.display_name = " ".to_owned();
        bad.engine_name = "a\nb".to_owned();
        bad.purpose = "x".repeat(201);
        bad.context_length = 0;
        bad.position = -1;
        bad.capabilities = Capabilities {
            chat: false,
            embeddings: false,
            ..Capabilities::ALL
        };
        bad.price = Some(Price {
            currency: "usd".to_owned(),
            prompt_micros_per_million: u64::MAX,
            completion_micros_per_million: 0,
        });
        bad.instances.push(bad.instances[0].clone());
        let fields: Vec<_> = check(&bad).into_iter().map(|it| it.field).collect();
        assert_eq!(
            fields,
            [
                "id",
                "display_name",
                "engine_name",
                "purpose",
                "context_length",
                "position",
                "capabilities",
                "price_currency",
                "price_prompt",
                "instances"
            ]
        );
        bad.instances.clear();
        assert!(
            check(&bad)
                .iter()
                .any(|it| it.message.contains("at least one address"))
        );
    }

    #[test]
    fn names_are_small_and_short() {
        for name in ["a", "0", "llama3.2", "gpt-oss_20b", &"a".repeat(63)] {
            assert!(is_name(name), "{name}");
        }
        for name in [
            "",
            ".a",
            "-a",
            "A",
            "a b",
            "a/b",
            "ä",
            "a'",
            &"a".repeat(64),
        ] {
            assert!(!is_name(name), "{name}");
        }
    }
}
