//! What the operator says about one model: what it is, what it can do, and where it is served.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};
use url::Url;

use crate::price::Price;

/// A model's name as its engine knows it, such as `smollm2:135m`.
///
/// A name without a tag means `:latest` (Ollama, `docs/api.md`, "Model names").
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ModelName(String);

impl ModelName {
    /// The name as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `listed`, a name from an engine's list, is this model.
    pub fn is(&self, listed: &str) -> bool {
        fn split(name: &str) -> (&str, &str) {
            let model = name.rfind('/').map_or(0, |slash| slash + 1);
            match name[model..].find(':') {
                Some(colon) => (&name[..model + colon], &name[model + colon + 1..]),
                None => (name, "latest"),
            }
        }
        split(&self.0) == split(listed)
    }
}

impl<T: Into<String>> From<T> for ModelName {
    fn from(name: T) -> Self {
        Self(name.into())
    }
}

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The protocol an instance speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderKind {
    /// Ollama's own HTTP API.
    #[default]
    Ollama,
    /// OpenAI's chat completions and embeddings, as vLLM, llama.cpp and the clouds speak them.
    /// The address is that before `/chat/completions`: `https://api.example.com/v1`.
    OpenAi,
}

impl ProviderKind {
    /// How many answers an instance gives at once where nothing else is said. With too many, the
    /// queue is the engine's again, and waiting in it counts as the model's silence.
    #[must_use]
    pub fn slots(self, kind: ModelKind) -> u32 {
        match (self, kind) {
            // `OLLAMA_NUM_PARALLEL` as it comes.
            (Self::Ollama, _) => 1,
            // `--parallel` of llama.cpp's server as it comes; vLLM takes more.
            (Self::OpenAi, ModelKind::Local) => 4,
            (Self::OpenAi, ModelKind::Cloud) => 64,
        }
    }
}

/// Where a model runs: what is asked of a cloud's leaves the house.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelKind {
    /// On the operator's machines.
    #[default]
    Local,
    /// At somebody else's.
    Cloud,
}

/// What a model can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Capabilities {
    /// It answers conversations.
    pub chat: bool,
    /// It calls tools.
    pub tools: bool,
    /// It sees pictures.
    pub images: bool,
    /// It writes JSON, and to a schema.
    pub json: bool,
    /// It turns texts into vectors.
    pub embeddings: bool,
}

impl Capabilities {
    /// Everything; the engine says so where it is not true.
    pub const ALL: Self = Self {
        chat: true,
        tools: true,
        images: true,
        json: true,
        embeddings: true,
    };
}

impl Default for Capabilities {
    /// [`Capabilities::ALL`].
    fn default() -> Self {
        Self::ALL
    }
}

/// A key that is never shown.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub struct Secret(Arc<str>);

impl Secret {
    /// The key itself, to be sent and nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl<T: Into<Arc<str>>> From<T> for Secret {
    fn from(key: T) -> Self {
        Self(key.into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// One server that has a model.
#[derive(Clone, PartialEq, Eq)]
pub struct InstanceSpec {
    /// Its base address, `http` or `https`, perhaps with a path, and with a user and password
    /// where a proxy in front of the engine asks for them.
    pub url: Url,
    /// How many answers it gives at once, from 1; what is more waits.
    pub slots: u32,
    /// How much of the work it gets, compared with the others, from 1.
    pub weight: u32,
    /// The tokens that it reads at most, where that is not what the model can read: Ollama is
    /// told to set up as many (`num_ctx`), whatever it would take of its own accord.
    pub context: Option<u32>,
}

impl From<Url> for InstanceSpec {
    /// An Ollama server as it comes.
    fn from(url: Url) -> Self {
        Self {
            url,
            slots: ProviderKind::Ollama.slots(ModelKind::Local),
            weight: 1,
            context: None,
        }
    }
}

impl fmt::Debug for InstanceSpec {
    /// Leaves out user and password, so that a log line can't hold them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            url,
            slots,
            weight,
            context,
        } = self;
        let url = without_credentials(url);
        write!(f, "{url};slots={slots};weight={weight}")?;
        match context {
            Some(context) => write!(f, ";context={context}"),
            None => Ok(()),
        }
    }
}

/// One model and the instances that serve it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelSpec {
    /// Our identifier, such as `llama3.2`: what agents prefer and what is stored with an answer.
    pub id: String,
    /// The name shown to people, such as `Llama 3.2`.
    pub display_name: String,
    /// The name at the engine, such as `llama3.2:3b`.
    pub engine_name: String,
    /// The protocol all of its instances speak.
    pub provider: ProviderKind,
    /// Where it runs.
    pub kind: ModelKind,
    /// The size in parameters, for people: `3.21B`.
    pub parameters: String,
    /// The quantization, for people: `Q4_K_M`; empty where it is not known.
    pub quantization: String,
    /// What it is good for, in a few words.
    pub purpose: String,
    /// The servers that have it.
    pub instances: Vec<InstanceSpec>,
    /// Tokens the model can read at most. The router lowers it to what the smallest of the
    /// instances reads ([`InstanceSpec::context`]), since any of them may be the one that answers.
    pub context_length: u32,
    /// What it can do.
    pub capabilities: Capabilities,
    /// What all of its instances want to see before they answer.
    pub key: Option<Secret>,
    /// What it costs, where it costs something.
    pub price: Option<Price>,
}

impl ModelSpec {
    /// A model with nothing but what is needed to ask it: for tests, tools and custom models.
    pub fn ollama(id: &str, engine_name: &str, instances: Vec<Url>) -> Self {
        Self {
            id: id.to_owned(),
            display_name: id.to_owned(),
            engine_name: engine_name.to_owned(),
            provider: ProviderKind::Ollama,
            kind: ModelKind::Local,
            parameters: String::new(),
            quantization: String::new(),
            purpose: String::new(),
            instances: instances.into_iter().map(InstanceSpec::from).collect(),
            context_length: 4096,
            capabilities: Capabilities::ALL,
            key: None,
            price: None,
        }
    }

    /// As it is served: with the context that all of its instances have.
    pub(crate) fn served(mut self) -> Self {
        let contexts = self.instances.iter().filter_map(|it| it.context);
        self.context_length = contexts.fold(self.context_length, u32::min);
        self
    }
}

/// The address with user and password taken out: fit to be shown, stored and logged.
#[must_use]
pub fn without_credentials(url: &Url) -> Url {
    let mut url = url.clone();
    // Both fail only for addresses that can't have credentials.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_a_tag_is_latest() {
        assert!(ModelName::from("llama3.2").is("llama3.2:latest"));
        assert!(ModelName::from("smollm2:135m").is("smollm2:135m"));
        assert!(!ModelName::from("smollm2:135m").is("smollm2:360m"));
        assert!(ModelName::from("host:5000/team/model").is("host:5000/team/model:latest"));
    }

    #[test]
    fn credentials_are_not_printed() {
        let url = Url::parse("http://user:canary@gpu:11434/").unwrap();
        let mut spec = ModelSpec::ollama("m", "m:1b", vec![url]);
        spec.key = Some("canary".into());
        let shown = format!("{spec:?}");
        assert!(
            shown.contains("gpu:11434") && !shown.contains("canary"),
            "{shown}"
        );
    }
}
