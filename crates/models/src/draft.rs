//! What an operator says about a model.

use onelastai_model_router::{
    Capabilities, InstanceSpec, ModelKind, ModelSpec, Price, ProviderKind, without_credentials,
};

/// A model as it is to be. The key that it may need is not part of it: it goes in and never
/// comes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelDraft {
    /// Our name for it: 1 to 63 of `a-z 0-9 . _ -`, beginning with a letter or digit. It is what
    /// agents prefer, so it never changes.
    pub id: String,
    /// Its name for people, 1 to 80 characters.
    pub display_name: String,
    /// The protocol of all its instances.
    pub provider: ProviderKind,
    /// Where it runs; requests that must stay in the house don't go to a cloud.
    pub kind: ModelKind,
    /// Its name at the engine, 1 to 200 characters.
    pub engine_name: String,
    /// The servers that have it, 1 to 50.
    pub instances: Vec<InstanceSpec>,
    /// Tokens that it can read, 256 to 100,000,000.
    pub context_length: u32,
    /// What it can do.
    pub capabilities: Capabilities,
    /// What it costs, if anything.
    pub price: Option<Price>,
    /// What it is good for, at most 200 characters.
    pub purpose: String,
    /// Whether it is asked at all.
    pub enabled: bool,
    /// Its place among all, 0 to 100,000; those of the settings begin with 10, 20, 30.
    pub position: i32,
}

impl ModelDraft {
    /// Its place where nobody said another: after those of the settings.
    pub const LAST: i32 = 1000;

    /// A local model at one Ollama, to begin with.
    #[must_use]
    pub fn empty() -> Self {
        Self::of_spec(&ModelSpec::ollama("", "", Vec::new()), true, Self::LAST)
    }

    /// What is said about a model that there is, without credentials.
    pub(crate) fn of_spec(spec: &ModelSpec, enabled: bool, position: i32) -> Self {
        let shown = |it: &InstanceSpec| InstanceSpec {
            url: without_credentials(&it.url),
            ..it.clone()
        };
        Self {
            id: spec.id.clone(),
            display_name: spec.display_name.clone(),
            provider: spec.provider,
            kind: spec.kind,
            engine_name: spec.engine_name.clone(),
            instances: spec.instances.iter().map(shown).collect(),
            context_length: spec.context_length,
            capabilities: spec.capabilities,
            price: spec.price.clone(),
            purpose: spec.purpose.clone(),
            enabled,
            position,
        }
    }

    /// For the router; `like` has what can't be said in a draft.
    pub(crate) fn spec(&self, like: Option<&ModelSpec>) -> ModelSpec {
        let text = |text: fn(&ModelSpec) -> &String| like.map(text).cloned().unwrap_or_default();
        ModelSpec {
            id: self.id.clone(),
            display_name: self.display_name.clone(),
            engine_name: self.engine_name.clone(),
            provider: self.provider,
            kind: self.kind,
            parameters: text(|it| &it.parameters),
            quantization: text(|it| &it.quantization),
            purpose: self.purpose.clone(),
            instances: self.instances.clone(),
            context_length: self.context_length,
            capabilities: self.capabilities,
            key: None,
            price: self.price.clone(),
        }
    }
}

/// The name of a protocol, in forms and in the database.
#[must_use]
pub fn provider_name(provider: ProviderKind) -> &'static str {
    match provider {
        ProviderKind::Ollama => "ollama",
        ProviderKind::OpenAi => "openai",
    }
}

/// The protocol of this name.
#[must_use]
pub fn provider_named(name: &str) -> Option<ProviderKind> {
    let all = [ProviderKind::Ollama, ProviderKind::OpenAi];
    all.into_iter().find(|it| provider_name(*it) == name)
}

/// The name of where a model runs, in forms and in the database.
#[must_use]
pub fn kind_name(kind: ModelKind) -> &'static str {
    match kind {
        ModelKind::Local => "local",
        ModelKind::Cloud => "cloud",
    }
}

/// Where a model runs, by this name.
#[must_use]
pub fn kind_named(name: &str) -> Option<ModelKind> {
    let all = [ModelKind::Local, ModelKind::Cloud];
    all.into_iter().find(|it| kind_name(*it) == name)
}

/// The names of capabilities, in forms and in the database.
pub const CAPABILITIES: [&str; 5] = ["chat", "tools", "images", "json", "embeddings"];

/// The names of those that a model has.
#[must_use]
pub fn capability_names(has: Capabilities) -> Vec<&'static str> {
    let flags = [has.chat, has.tools, has.images, has.json, has.embeddings];
    let named = CAPABILITIES.into_iter().zip(flags);
    named
        .filter(|(_, has)| *has)
        .map(|(name, _)| name)
        .collect()
}

/// The capabilities of these names; others are passed over.
#[must_use]
pub fn capabilities_named<'a>(names: impl IntoIterator<Item = &'a str>) -> Capabilities {
    let mut has = Capabilities {
        chat: false,
        tools: false,
        images: false,
        json: false,
        embeddings: false,
    };
    for name in names {
        match name {
            "chat" => has.chat = true,
            "tools" => has.tools = true,
            "images" => has.images = true,
            "json" => has.json = true,
            "embeddings" => has.embeddings = true,
            _ => {}
        }
    }
    has
}
