//! The models.

use std::{net::Ipv6Addr, time::Duration};

use onelastai_model_router::{
    InstanceSpec, ModelKind, ModelSpec, Price, ProviderKind, RouterConfig,
};
use onelastai_types::decimal;
use url::Host;

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
    let mut models = specs(env)?;
    if env.parse("FALLBACK_TO_CLOUD")? {
        let cloud = cloud(env)?;
        if models.iter().any(|model| model.id == cloud.id) {
            return Err(wrong("CLOUD_MODEL", "has the name of a local model"));
        }
        models.push(cloud);
    }
    Ok(RouterConfig {
        models,
        enabled: env.parse("LOCAL_AI_MODELS_ENABLED")?,
        first_token_timeout: seconds(env, "MODEL_FIRST_TOKEN_SECONDS")?,
        load_timeout: seconds(env, "MODEL_LOAD_SECONDS")?,
        idle_timeout: seconds(env, "MODEL_IDLE_SECONDS")?,
        queue_length: usize::try_from(env.number("MODEL_QUEUE_LENGTH", 0, 100_000)?)
            .unwrap_or(usize::MAX),
        queue_timeout: seconds(env, "MODEL_QUEUE_SECONDS")?,
        ..RouterConfig::default()
    })
}

fn seconds(env: &Env, name: &'static str) -> Result<Duration, ConfigError> {
    Ok(Duration::from_secs(env.number(name, 1, 3600)?))
}

fn specs(env: &Env) -> Result<Vec<ModelSpec>, ConfigError> {
    let ollama = ProviderKind::Ollama.slots(ModelKind::Local);
    if let Some(instances) = instances(env, "OLLAMA_URLS", ollama)? {
        refuse_others(env)?;
        let engine_name = env.require("OLLAMA_MODEL")?;
        let id = engine_name.split(':').next().unwrap_or(engine_name);
        return Ok(vec![ModelSpec {
            instances,
            ..ModelSpec::ollama(id, engine_name, vec![])
        }]);
    }
    if env.is_set("OLLAMA_MODEL") {
        return Err(wrong(
            "OLLAMA_MODEL",
            "is set, but OLLAMA_URLS, where it would be, isn't",
        ));
    }
    let mut models = RouterConfig::seven_defaults(host(env)?);
    for (id, variable) in ADDRESSES {
        let Some(instances) = instances(env, variable, ollama)? else {
            continue;
        };
        if let Some(model) = models.iter_mut().find(|model| model.id == id) {
            model.instances = instances;
        }
    }
    Ok(models)
}

/// With `OLLAMA_URLS` the addresses of the seven would count for nothing, and nobody would be told.
fn refuse_others(env: &Env) -> Result<(), ConfigError> {
    let mut names = ["LOCAL_AI_HOST"]
        .into_iter()
        .chain(ADDRESSES.map(|(_, variable)| variable));
    match names.find(|name| env.is_set(name)) {
        Some(name) => Err(wrong(
            name,
            "is set, and so is OLLAMA_URLS, which stands for all models: take one of the two away",
        )),
        None => Ok(()),
    }
}

/// The machine of the seven, by name or address.
fn host(env: &Env) -> Result<&str, ConfigError> {
    const NAME: &str = "LOCAL_AI_HOST";
    let host = env.require(NAME)?;
    if host.parse::<Ipv6Addr>().is_ok() || Host::parse(host).is_ok() {
        Ok(host)
    } else {
        Err(wrong(
            NAME,
            &format!("is {host:?}: it must be a name or an address, without a port"),
        ))
    }
}

/// The cloud's model: tried last, and only for what may leave the house.
fn cloud(env: &Env) -> Result<ModelSpec, ConfigError> {
    let name = env.require("CLOUD_MODEL")?;
    let key = env.require("CLOUD_API_KEY")?;
    env.require("CLOUD_BASE_URL")?;
    let slots = ProviderKind::OpenAi.slots(ModelKind::Cloud);
    let instances = instances(env, "CLOUD_BASE_URL", slots)?.unwrap_or_default();
    let context = env.number("CLOUD_CONTEXT", 1024, 100_000_000)?;
    Ok(ModelSpec {
        provider: ProviderKind::OpenAi,
        kind: ModelKind::Cloud,
        instances,
        context_length: u32::try_from(context).unwrap_or(u32::MAX),
        key: Some(key.into()),
        price: price(env)?,
        ..ModelSpec::ollama(name, name, vec![])
    })
}

fn price(env: &Env) -> Result<Option<Price>, ConfigError> {
    let micros = |name| env.get(name)?.map(|value| micros(name, value)).transpose();
    let prompt = micros("CLOUD_PRICE_PROMPT")?;
    let completion = micros("CLOUD_PRICE_COMPLETION")?;
    let currency = env.require("CLOUD_CURRENCY")?;
    if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Err(wrong("CLOUD_CURRENCY", "must be a code such as USD"));
    }
    match (prompt, completion) {
        (None, None) => Ok(None),
        (Some(prompt), Some(completion)) => Ok(Some(Price {
            currency: currency.to_owned(),
            prompt_micros_per_million: prompt,
            completion_micros_per_million: completion,
        })),
        (None, _) => Err(wrong(
            "CLOUD_PRICE_PROMPT",
            "is not set, but CLOUD_PRICE_COMPLETION is",
        )),
        (_, None) => Err(wrong(
            "CLOUD_PRICE_COMPLETION",
            "is not set, but CLOUD_PRICE_PROMPT is",
        )),
    }
}

/// A decimal number in millionths, exactly.
fn micros(name: &'static str, value: &str) -> Result<u64, ConfigError> {
    decimal(value, 6).ok_or_else(|| wrong(name, &format!("is {value:?}: it must be like 0.15")))
}

/// `http://host:port;slots=8;weight=2;context=8192`, separated by commas.
fn instances(
    env: &Env,
    name: &'static str,
    slots: u32,
) -> Result<Option<Vec<InstanceSpec>>, ConfigError> {
    let Some(list) = env.get(name)? else {
        return Ok(None);
    };
    let instances = list
        .split(',')
        .map(str::trim)
        .filter(|instance| !instance.is_empty())
        .map(|line| {
            InstanceSpec::read(line, slots)
                .map_err(|error| wrong(name, &format!("is wrong: {error}")))
        })
        .collect::<Result<Vec<_>, _>>()?;
    if instances.is_empty() {
        return Err(wrong(
            name,
            &format!("is {list:?}: there is no address in it"),
        ));
    }
    Ok(Some(instances))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLOUD: [(&str, &str); 6] = [
        ("FALLBACK_TO_CLOUD", "true"),
        ("CLOUD_BASE_URL", "https://api.example.com/v1"),
        ("CLOUD_API_KEY", "canary"),
        ("CLOUD_MODEL", "gpt-x"),
        ("CLOUD_PRICE_PROMPT", "0.15"),
        ("CLOUD_PRICE_COMPLETION", "12"),
    ];

    fn with(change: (&'static str, &'static str)) -> Result<RouterConfig, ConfigError> {
        let mut pairs = CLOUD.to_vec();
        pairs.push(change);
        read(&Env::from_pairs(&pairs))
    }

    #[test]
    fn an_address_has_slots_and_a_weight() {
        let env = Env::from_pairs(&[(
            "MISTRAL_URLS",
            "http://a:1;slots=8;weight=2, http://b:2 ; weight=3,",
        )]);
        let models = read(&env).unwrap().models;
        let found: Vec<_> = models[6]
            .instances
            .iter()
            .map(|it| (it.url.as_str(), it.slots, it.weight))
            .collect();
        assert_eq!(found, [("http://a:1/", 8, 2), ("http://b:2/", 1, 3)]);
        let error = read(&Env::from_pairs(&[("MISTRAL_URLS", "http://a;slots=0")])).unwrap_err();
        assert!(error.to_string().starts_with("MISTRAL_URLS"), "{error}");
    }

    #[test]
    fn the_cloud_is_one_more_model_and_off_by_default() {
        let off = &CLOUD[1..];
        assert_eq!(read(&Env::from_pairs(off)).unwrap().models.len(), 7);
        let config = read(&Env::from_pairs(&CLOUD)).unwrap();
        let cloud = &config.models[7];
        assert_eq!((cloud.id.as_str(), cloud.kind), ("gpt-x", ModelKind::Cloud));
        assert_eq!(cloud.instances[0].slots, 64);
        let price = cloud.price.as_ref().unwrap();
        assert_eq!(price.currency, "USD");
        assert_eq!(price.prompt_micros_per_million, 150_000);
        assert_eq!(price.completion_micros_per_million, 12_000_000);
        assert!(!format!("{config:?}").contains("canary"));
    }

    #[test]
    fn what_the_cloud_lacks_is_named() {
        for (name, value) in [
            ("CLOUD_API_KEY", " "),
            ("CLOUD_MODEL", ""),
            ("CLOUD_MODEL", "mistral"),
            ("CLOUD_BASE_URL", ""),
            ("CLOUD_BASE_URL", "api.example.com"),
            ("CLOUD_PRICE_PROMPT", ""),
            ("CLOUD_PRICE_PROMPT", "-1"),
            ("CLOUD_PRICE_PROMPT", "0.1234567"),
            ("CLOUD_PRICE_COMPLETION", "."),
            ("CLOUD_CURRENCY", "dollars"),
        ] {
            let error = with((name, value)).unwrap_err().to_string();
            assert!(error.starts_with(name), "{name}={value:?} gives {error}");
        }
    }
}
