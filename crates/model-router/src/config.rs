//! What the operator says: the seven models, others, and deadlines.

use std::time::Duration;

use url::Url;

use crate::spec::{Capabilities, ModelSpec};

/// What a [`crate::ModelRouter`] is made of.
#[derive(Clone, Debug)]
pub struct RouterConfig {
    /// The models, in the order in which they are tried for a request without preferences.
    pub models: Vec<ModelSpec>,
    /// The longest wait for a connection, TLS included.
    pub connect_timeout: Duration,
    /// The longest wait from asking to the first piece of the answer, of a model that is in
    /// memory.
    pub first_token_timeout: Duration,
    /// How much longer that is where the model may have to be loaded first.
    pub load_timeout: Duration,
    /// The longest wait between two pieces of an answer.
    pub idle_timeout: Duration,
    /// The most requests that wait for one model.
    pub queue_length: usize,
    /// The longest that a request waits for its turn.
    pub queue_timeout: Duration,
    /// Whether local models may be used at all (`LOCAL_AI_MODELS_ENABLED`).
    pub enabled: bool,
}

impl Default for RouterConfig {
    /// The seven models on this machine, 3 s to connect, 60 s to the first token and 120 s more
    /// to load a model, 30 s between two; 256 wait for a model, 60 s at most.
    fn default() -> Self {
        Self {
            models: Self::seven_defaults("127.0.0.1"),
            connect_timeout: Duration::from_secs(3),
            first_token_timeout: Duration::from_secs(60),
            load_timeout: Duration::from_secs(120),
            idle_timeout: Duration::from_secs(30),
            queue_length: 256,
            queue_timeout: Duration::from_secs(60),
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
            let (id, display_name, engine_name, parameters, quantization, purpose, context, can) =
                row;
            models.push(ModelSpec {
                display_name: display_name.to_owned(),
                parameters: parameters.to_owned(),
                quantization: quantization.to_owned(),
                purpose: purpose.to_owned(),
                context_length: context,
                capabilities: Capabilities {
                    tools: can.contains(&"tools"),
                    images: can.contains(&"images"),
                    ..Capabilities::ALL
                },
                ..ModelSpec::ollama(id, engine_name, instance(host, port).into_iter().collect())
            });
        }
        models
    }
}

/// What [`RouterConfig::seven_defaults`] makes: id, name, name at Ollama, parameters,
/// quantization, purpose, the context in tokens, and what it can do beyond what all of them can.
/// Kept as a table on purpose.
#[rustfmt::skip]
type Row = (&'static str, &'static str, &'static str, &'static str, &'static str, &'static str, u32, &'static [&'static str]);
#[rustfmt::skip]
const SEVEN: [Row; 7] = [
    ("llama3.2", "Llama 3.2", "llama3.2:3b", "3.21B", "IQ2_XXS/Q4_K_M", "general conversation", 131_072, &["tools"]),
    ("gemma3", "Gemma 3 QAT", "gemma3:4b-it-qat", "3.88B", "Q4_0", "question answering", 131_072, &["images"]),
    ("phi4", "Phi-4", "phi4:14b", "14.66B", "IQ2_XXS/Q4_K_M", "reasoning", 16_384, &[]),
    ("deepseek-r1", "DeepSeek R1 Distill", "deepseek-r1:8b", "8.03B", "IQ2_XXS/Q4_K_M", "code analysis", 131_072, &[]),
    ("gpt-oss", "GPT-OSS", "gpt-oss:20b", "variable", "", "open alternative", 131_072, &["tools"]),
    ("smollm2", "SmolLM2", "smollm2:360m", "361.82M", "IQ2_XXS/Q4_K_M", "light work", 8_192, &["tools"]),
    ("mistral", "Mistral", "mistral:7b", "7.25B", "IQ2_XXS/Q4_K_M", "many languages", 32_768, &["tools"]),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seven_have_a_port_each() {
        let models = RouterConfig::seven_defaults("models.internal");
        let ports: Vec<_> = models.iter().map(|m| m.instances[0].url.port()).collect();
        assert_eq!(ports, (11434..=11440).map(Some).collect::<Vec<_>>());
        assert_eq!(
            RouterConfig::seven_defaults("::1")[0].instances[0]
                .url
                .as_str(),
            "http://[::1]:11434/"
        );
        assert!(
            RouterConfig::seven_defaults("no host")
                .iter()
                .all(|m| m.instances.is_empty())
        );
    }
}
