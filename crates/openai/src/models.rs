//! `/v1/models`.

use serde::Serialize;
use utoipa::ToSchema;

/// A model, or an agent, that can be named in a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Model {
    /// What to write as `model`: `llama3.2`, or `agent/{slug}`.
    #[schema(example = "llama3.2")]
    pub id: String,
    /// Always `model`.
    pub object: &'static str,
    /// When it came to be, in seconds since 1970; 0 for models, which have no such time.
    pub created: i64,
    /// `onelastai` for models, `onelastai-agents` for agents.
    pub owned_by: &'static str,
    /// Its name for people.
    pub name: String,
    /// What it is good for.
    pub description: String,
    /// The longest conversation that it can read, in tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_length: Option<u32>,
}

/// All of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ModelList {
    /// Always `list`.
    pub object: &'static str,
    /// Models first, then agents.
    pub data: Vec<Model>,
}

impl From<Vec<Model>> for ModelList {
    fn from(data: Vec<Model>) -> Self {
        Self {
            object: "list",
            data,
        }
    }
}
