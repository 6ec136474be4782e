//! The JSON of one chunk of a completion.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, SeqAccess, Visitor},
};

use crate::providers::http::Said;

/// `chat.completion.chunk`. Texts are lent where they hold no escapes.
#[derive(Deserialize)]
pub(super) struct Chunk<'a> {
    /// The first choice; more than one is never asked for.
    #[serde(borrow, default, deserialize_with = "first")]
    pub(super) choices: Option<Choice<'a>>,
    #[serde(default)]
    pub(super) usage: Option<Usage>,
    #[serde(default)]
    pub(super) error: Option<Said>,
}

#[derive(Deserialize)]
pub(super) struct Choice<'a> {
    #[serde(borrow, default)]
    pub(super) delta: Option<Delta<'a>>,
    #[serde(borrow, default)]
    pub(super) finish_reason: Option<Text<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Delta<'a> {
    #[serde(borrow, default)]
    pub(super) content: Option<Text<'a>>,
    /// Why the model won't: words for the person, too.
    #[serde(borrow, default)]
    pub(super) refusal: Option<Text<'a>>,
    /// Thinking, as vLLM, DeepSeek and llama.cpp name it.
    #[serde(borrow, default)]
    pub(super) reasoning_content: Option<Text<'a>>,
    /// Thinking, as others name it.
    #[serde(borrow, default)]
    pub(super) reasoning: Option<Text<'a>>,
    #[serde(default)]
    pub(super) tool_calls: Option<Vec<Call>>,
}

/// In an `Option`, serde lends only what has a type of its own.
#[derive(Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

#[derive(Deserialize)]
pub(super) struct Call {
    #[serde(default)]
    pub(super) index: Option<u32>,
    #[serde(default)]
    pub(super) id: Option<String>,
    #[serde(default)]
    pub(super) function: Option<Function>,
}

#[derive(Deserialize)]
pub(super) struct Function {
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) arguments: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Usage {
    #[serde(default)]
    pub(super) prompt_tokens: i64,
    #[serde(default)]
    pub(super) completion_tokens: i64,
}

/// The first of a list, without a list for it.
fn first<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Choice<'de>>, D::Error> {
    struct First;
    impl<'de> Visitor<'de> for First {
        type Value = Option<Choice<'de>>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of choices")
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let first = list.next_element()?;
            while list.next_element::<IgnoredAny>()?.is_some() {}
            Ok(first)
        }
    }
    deserializer.deserialize_any(First)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_without_escapes_is_lent() {
        let data = br#"{"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}"#;
        let chunk: Chunk<'_> = serde_json::from_slice(data).unwrap();
        let choice = chunk.choices.unwrap();
        let content = choice.delta.unwrap().content.unwrap();
        assert!(matches!(content.0, Cow::Borrowed("Hi")));
        assert!(matches!(
            choice.finish_reason.unwrap().0,
            Cow::Borrowed("stop")
        ));
    }
}
