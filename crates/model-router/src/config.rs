//! What the operator says exists: models, the instances that serve them, and deadlines.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};
use url::Url;

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
}

/// One model and the instances that serve it.
#[derive(Clone, PartialEq, Eq)]
pub struct ModelSpec {
    /// Our identifier, such as `llama3.2`: what agents prefer and what is stored with an answer.
    pub id: String,
    /// The name shown to people, such as `Llama 3.2`.
    pub display_name: String,
    /// The name at the engine, such as `llama3.2:3b`.
    pub engine_name: String,
    /// The protocol all of its instances speak.
    pub provider: ProviderKind,
    /// The size in parameters, for people: `3.21B`.
    pub parameters: String,
    /// The quantization, for people: `Q4_K_M`; empty where it is not known.
    pub quantization: String,
    /// What it is good for, in a few words.
    pub purpose: String,
    /// Base addresses of the servers that have it, `http` or `https`, perhaps with a path, and
    /// with a user and password where a proxy in front of the engine asks for them.
    pub instances: Vec<Url>,
    /// Tokens the model can read at most. An instance may be set up to read fewer.
    pub context_length: u32,
}

impl ModelSpec {
    /// A model with nothing but what is needed to ask it: for tests, tools and custom models.
    pub fn ollama(id: &str, engine_name: &str, instances: Vec<Url>) -> Self {
        Self {
            id: id.to_owned(),
            display_name: id.to_owned(),
            engine_name: engine_name.to_owned(),
            provider: ProviderKind::Ollama,
            parameters: String::new(),
            quantization: String::new(),
            purpose: String::new(),
            instances,
            context_length: 4096,
        }
    }
}

impl fmt::Debug for ModelSpec {
    /// Leaves out user and password of the instances, so that a log line can't hold them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let instances: Vec<_> = self.instances.iter().map(without_credentials).collect();
        f.debug_struct("ModelSpec")
            .field("id", &self.id)
            .field("engine_name", &self.engine_name)
            .field("provider", &self.provider)
            .field(
                "instances",
                &instances.iter().map(Url::as_str).collect::<Vec<_>>(),
            )
            .field("context_length", &self.context_length)
            .finish_non_exhaustive()
    }
}

/// What a [`crate::ModelRouter`] is made of.
#[derive(Clone, Debug)]
pub struct RouterConfig {
    /// The models, in the order in which they are tried for a request without preferences.
    pub models: Vec<ModelSpec>,
    /// The longest wait for a connection, TLS included.
    pub connect_timeout: Duration,
    /// The longest wait from asking to the first piece of the answer. It covers the reading of
    /// the model from disk, so it is long.
    pub first_token_timeout: Duration,
    /// The longest wait between two pieces of an answer.
    pub idle_timeout: Duration,
    /// Whether local models may be used at all (`LOCAL_AI_MODELS_ENABLED`).
    pub enabled: bool,
}

impl Default for RouterConfig {
    /// The seven models on this machine, 3 s to connect, 120 s to the first token, 30 s between
    /// two.
    fn default() -> Self {
        Self {
            models: Self::seven_defaults("127.0.0.1"),
            connect_timeout: Duration::from_secs(3),
            first_token_timeout: Duration::from_secs(120),
            idle_timeout: Duration::from_secs(30),
            enabled: true,
        }
    }
}

impl RouterConfig {
    /// The seven models of the product, one instance each, on ports 11434 to 11440 of `host` (a
    /// name or an address).
    ///
    /// A `host` that makes no address leaves the models without instances, which
    /// [`crate::ModelRouter::new`] reports.
    pub fn seven_defaults(host: &str) -> Vec<ModelSpec> {
        let mut models = Vec::with_capacity(SEVEN.len());
        for (row, port) in SEVEN.into_iter().zip(11434..) {
            let (id, display_name, engine_name, parameters, quantization, purpose, context) = row;
            models.push(ModelSpec {
                display_name: display_name.to_owned(),
                parameters: parameters.to_owned(),
                quantization: quantization.to_owned(),
                purpose: purpose.to_owned(),
                context_length: context,
                ..ModelSpec::ollama(id, engine_name, instance(host, port).into_iter().collect())
            });
        }
        models
    }
}

/// What [`RouterConfig::seven_defaults`] makes: id, name, name at Ollama, parameters,
/// quantization, purpose, and the context in tokens. Kept as a table on purpose.
#[rustfmt::skip]
const SEVEN: [(&str, &str, &str, &str, &str, &str, u32); 7] = [
    ("llama3.2", "Llama 3.2", "llama3.2:3b", "3.21B", "IQ2_XXS/Q4_K_M", "general conversation", 131_072),
    ("gemma3", "Gemma 3 QAT", "gemma3:4b-it-qat", "3.88B", "Q4_0", "question answering", 131_072),
    ("phi4", "Phi-4", "phi4:14b", "14.66B", "IQ2_XXS/Q4_K_M", "reasoning", 16_384),
    ("deepseek-r1", "DeepSeek R1 Distill", "deepseek-r1:8b", "8.03B", "IQ2_XXS/Q4_K_M", "code analysis", 131_072),
    ("gpt-oss", "GPT-OSS", "gpt-oss:20b", "variable", "", "open alternative", 131_072),
    ("smollm2", "SmolLM2", "smollm2:360m", "361.82M", "IQ2_XXS/Q4_K_M", "light work", 8_192),
    ("mistral", "Mistral", "mistral:7b", "7.25B", "IQ2_XXS/Q4_K_M", "many languages", 32_768),
];

fn instance(host: &str, port: u16) -> Option<Url> {
    let bare_v6 = host.contains(':') && !host.starts_with('[');
    let host = if bare_v6 {
        format!("[{host}]")
    } else {
        host.to_owned()
    };
    Url::parse(&format!("http://{host}:{port}")).ok()
}

/// The address with user and password taken out: fit to be shown, stored and logged.
pub(crate) fn without_credentials(url: &Url) -> Url {
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
    fn the_seven_have_a_port_each() {
        let models = RouterConfig::seven_defaults("models.internal");
        let ports: Vec<_> = models.iter().map(|m| m.instances[0].port()).collect();
        assert_eq!(ports, (11434..=11440).map(Some).collect::<Vec<_>>());
        assert_eq!(
            RouterConfig::seven_defaults("::1")[0].instances[0].as_str(),
            "http://[::1]:11434/"
        );
        assert!(
            RouterConfig::seven_defaults("no host")
                .iter()
                .all(|m| m.instances.is_empty())
        );
    }

    #[test]
    fn credentials_are_not_printed() {
        let url = Url::parse("http://user:canary@gpu:11434/").unwrap();
        let spec = ModelSpec::ollama("m", "m:1b", vec![url]);
        assert!(!format!("{spec:?}").contains("canary"));
    }
}
