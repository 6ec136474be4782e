//! The models.

use std::time::Duration;

use onelastai_model_router::{InstanceSpec, ModelSpec, RouterConfig};
use url::Url;

use super::{ConfigError, Env, env::wrong};

/// Which variable has the addresses of which model.
const ADDRESSES: [(&str, &str); 7] = [
    ("llama3.2", "LLAMA32_URLS"),
    ("gemma3", "GEMMA3_URLS"),
    ("phi4", "PHI4_URLS"),
    ("deepseek-r1", "DEEPSEEK_URLS"),
    ("gpt-oss", "GPTOSS_URLS"),
    ("smollm2", "SMOLLM2_URLS"),
    ("mistral", "MISTRAL_URLS"),
];

pub(super) fn read(env: &Env) -> Result<RouterConfig, ConfigError> {
    Ok(RouterConfig {
        models: specs(env)?,
        enabled: env.parse("LOCAL_AI_MODELS_ENABLED")?,
        first_token_timeout: seconds(env, "MODEL_FIRST_TOKEN_SECONDS")?,
        idle_timeout: seconds(env, "MODEL_IDLE_SECONDS")?,
        ..RouterConfig::default()
    })
}

fn seconds(env: &Env, name: &'static str) -> Result<Duration, ConfigError> {
    Ok(Duration::from_secs(env.number(name, 1, 3600)?))
}

fn specs(env: &Env) -> Result<Vec<ModelSpec>, ConfigError> {
    if let Some(instances) = urls(env, "OLLAMA_URLS")? {
        let engine_name = env.require("OLLAMA_MODEL")?;
        let id = engine_name.split(':').next().unwrap_or(engine_name);
        return Ok(vec![ModelSpec::ollama(id, engine_name, instances)]);
    }
    let mut models = RouterConfig::seven_defaults(env.require("LOCAL_AI_HOST")?);
    for (id, variable) in ADDRESSES {
        let Some(instances) = urls(env, variable)? else {
            continue;
        };
        if let Some(model) = models.iter_mut().find(|model| model.id == id) {
            model.instances = instances.into_iter().map(InstanceSpec::from).collect();
        }
    }
    Ok(models)
}

fn urls(env: &Env, name: &'static str) -> Result<Option<Vec<Url>>, ConfigError> {
    let Some(list) = env.get(name) else {
        return Ok(None);
    };
    list.split(',')
        .map(str::trim)
        .filter(|address| !address.is_empty())
        .map(|address| match address.parse::<Url>() {
            Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(url),
            _ => Err(wrong(
                name,
                "must be addresses that begin with http:// or https://",
            )),
        })
        .collect::<Result<Vec<_>, _>>()
        .map(Some)
}
