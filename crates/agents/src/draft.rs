//! Everything about an agent that a person can write.

use std::{fmt, str::FromStr};

use onelastai_types::Tier;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Avatar;

/// How a model is to answer; what is not set is left to the model's own settings.
/// Names and ranges: Ollama, `docs/modelfile.md`, PARAMETER.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Parameters {
    /// 0 to 2: how freely it chooses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f32>,
    /// 0 to 1: from which part of the likely tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f32>,
    /// The same seed gives the same answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<i64>,
    /// At most this many tokens in an answer, 1 to 32,768.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
}

/// The name of a visibility that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no visibility is called {0:?}")]
pub struct UnknownVisibility(String);

/// Who may use an agent, besides its owner.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Nobody else.
    #[default]
    Private,
    /// The members of its group.
    Group,
    /// Everybody who is signed in.
    SignedIn,
    /// The same, and everybody may see that it is there.
    Public,
}

impl Visibility {
    /// All of them, from the narrowest to the widest.
    pub const ALL: [Self; 4] = [Self::Private, Self::Group, Self::SignedIn, Self::Public];

    /// The name as the database has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Group => "group",
            Self::SignedIn => "signed_in",
            Self::Public => "public",
        }
    }
}

impl fmt::Display for Visibility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Visibility {
    type Err = UnknownVisibility;

    fn from_str(name: &str) -> Result<Self, UnknownVisibility> {
        Self::ALL
            .into_iter()
            .find(|visibility| visibility.as_str() == name)
            .ok_or_else(|| UnknownVisibility(name.to_owned()))
    }
}

/// What an agent is, as a form has it and as a version keeps it. It is checked when it is
/// saved; lengths are in characters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AgentDraft {
    /// 1 to 80, on one line.
    pub name: String,
    /// Its part of the address: one label of a host name (RFC 1123) of 2 to 40 characters
    /// that is not reserved.
    pub slug: String,
    /// Its look.
    pub avatar: Avatar,
    /// What it is for; at most 500.
    pub description: String,
    /// What the model is told before every conversation; at most 100,000.
    pub system_prompt: String,
    /// Our names of models, the best first, at most 16; empty: the router's own order.
    pub model_preferences: Vec<String>,
    /// Never leaves the premises: never sent to a cloud model.
    pub local_only: bool,
    /// How a model is to answer.
    pub parameters: Parameters,
    /// Questions to begin with; at most 8, each at most 200.
    pub starters: Vec<String>,
    /// Who may use it.
    pub visibility: Visibility,
    /// The Keycloak group that looks after it, such as `/research`: required with
    /// [`Visibility::Group`], possible with the wider ones, dropped with
    /// [`Visibility::Private`].
    pub group: Option<String>,
    /// The subscription that its use takes.
    pub required_tier: Tier,
}

impl Default for AgentDraft {
    /// An empty form: private, for every tier, and never sent to the cloud.
    fn default() -> Self {
        Self {
            name: String::new(),
            slug: String::new(),
            avatar: Avatar::default(),
            description: String::new(),
            system_prompt: String::new(),
            model_preferences: Vec::new(),
            local_only: true,
            parameters: Parameters::default(),
            starters: Vec::new(),
            visibility: Visibility::default(),
            group: None,
            required_tier: Tier::default(),
        }
    }
}

impl AgentDraft {
    /// The names of its fields, in the order of a form.
    pub const FIELDS: [&str; 12] = [
        "name",
        "slug",
        "avatar",
        "description",
        "system_prompt",
        "model_preferences",
        "local_only",
        "parameters",
        "starters",
        "visibility",
        "group",
        "required_tier",
    ];

    /// As JSON, by field.
    pub(crate) fn to_map(&self) -> Result<Map<String, Value>, serde_json::Error> {
        // By way of text, because a value of its own would turn 0.7f32 into
        // 0.699999988079071.
        serde_json::from_str(&serde_json::to_string(self)?)
    }
}

/// `{"field": [before, after]}` of the fields that differ.
pub(crate) fn changes(
    before: Option<&AgentDraft>,
    after: &AgentDraft,
) -> Result<Map<String, Value>, serde_json::Error> {
    let mut before = before.map(AgentDraft::to_map).transpose()?;
    let mut changed = Map::new();
    for (field, new) in after.to_map()? {
        let old = before
            .as_mut()
            .and_then(|before| before.remove(&field))
            .unwrap_or(Value::Null);
        if old != new {
            changed.insert(field, Value::Array(vec![old, new]));
        }
    }
    Ok(changed)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_fields_are_named_and_numbers_stay_short() {
        let draft = AgentDraft {
            parameters: Parameters {
                temperature: Some(0.7),
                ..Parameters::default()
            },
            ..AgentDraft::default()
        };
        let map = draft.to_map().unwrap();
        let mut names = AgentDraft::FIELDS;
        names.sort_unstable();
        assert!(map.keys().eq(names.iter()), "{map:?}");
        assert_eq!(map["parameters"], json!({"temperature": 0.7}));
        let back: AgentDraft = serde_json::from_value(Value::Object(map)).unwrap();
        assert_eq!(back, draft);
    }

    #[test]
    fn only_what_differs_is_a_change() {
        let before = AgentDraft::default();
        let after = AgentDraft {
            name: "Tutor".into(),
            local_only: false,
            ..before.clone()
        };
        let changed = Value::Object(changes(Some(&before), &after).unwrap());
        assert_eq!(
            changed,
            json!({"name": ["", "Tutor"], "local_only": [true, false]})
        );
        assert!(changes(Some(&after), &after).unwrap().is_empty());
        // Of a new one: everything that it has.
        assert_eq!(changes(None, &after).unwrap().len(), 11);
    }
}
