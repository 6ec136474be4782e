//! Reading variables, and the table of all there are.

use std::{
    collections::HashMap,
    ffi::{OsStr, OsString},
    fmt::Display,
    str::FromStr,
};

/// A variable that the program knows.
#[derive(Debug, Clone, Copy)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What holds where it isn't set; empty for nothing.
    pub default: &'static str,
    /// What it is, for people.
    pub about: &'static str,
}

macro_rules! variables {
    ($($name:literal, $default:literal, $about:literal;)*) => {
        /// Every variable that the program knows.
        pub const VARIABLES: &[Variable] =
            &[$(Variable { name: $name, default: $default, about: $about }),*];
    };
}

variables! {
    "BASE_URL", "http://localhost:3000", "The public address, as browsers see it. Anything but localhost needs https.";
    "BIND_ADDRESS", "127.0.0.1:3000", "Where to listen.";
    "TRUSTED_PROXIES", "", "The networks of your own proxies, separated by commas, as `10.0.0.0/8, ::1`. What they write into `X-Forwarded-For` counts as the address of whoever asks (`docs/OPERATIONS.md`).";
    "SITE_ROOT", "", "The folder of what browsers load, as the build makes it. Where it isn't set: `site` beside the program, or `target/site` below the working directory where that isn't there.";
    "DATABASE_URL", "", "`postgres://user:password@host:port/database`; or give the parts below.";
    "DATABASE_HOST", "", "Where PostgreSQL is, if `DATABASE_URL` isn't set.";
    "DATABASE_PORT", "5432", "Its port.";
    "DATABASE_USERNAME", "onelastai", "The account.";
    "DATABASE_PASSWORD", "", "Its password.";
    "DATABASE_NAME", "onelastai", "The database.";
    "DATABASE_MAX_CONNECTIONS", "20", "The most connections of this process, 1 to 1000.";
    "REDIS_URL", "redis://127.0.0.1:6379", "Redis, for sessions and the events of answers.";
    "KEYCLOAK_URL", "", "Keycloak's address, as browsers and this server see it. Anything but localhost needs https.";
    "KEYCLOAK_REALM", "onelastai", "The realm.";
    "KEYCLOAK_CLIENT_ID", "onelastai-web", "Our client in the realm.";
    "KEYCLOAK_CLIENT_SECRET", "", "Its secret.";
    "KEYCLOAK_BACKEND_CLIENT_ID", "onelastai-backend", "The client that reads users and events, for administration and the audit log.";
    "KEYCLOAK_BACKEND_CLIENT_SECRET", "", "Its secret. Without it no API key works, roles aren't shown, and failed sign-ins aren't in the audit log.";
    "SESSION_HOURS", "10", "How long a sign-in lasts, 1 to 720; as the realm's \"SSO Session Max\".";
    "LOCAL_AI_MODELS_ENABLED", "true", "Whether local models answer.";
    "LOCAL_AI_HOST", "127.0.0.1", "The machine of the seven models, on ports 11434 to 11440.";
    "LLAMA32_URLS", "", "Other addresses of Llama 3.2, separated by commas; each may be followed by `;slots=8` (answers at once: `OLLAMA_NUM_PARALLEL` there, 1 as Ollama comes), `;weight=2` (its share of the work, 1) and `;context=8192` (the tokens that it reads at most; Ollama is told to set up as many, where it otherwise goes by its own `OLLAMA_CONTEXT_LENGTH`; what is longer is refused to the API).";
    "GEMMA3_URLS", "", "The same for Gemma 3.";
    "PHI4_URLS", "", "The same for Phi-4.";
    "DEEPSEEK_URLS", "", "The same for DeepSeek R1 Distill.";
    "GPTOSS_URLS", "", "The same for GPT-OSS.";
    "SMOLLM2_URLS", "", "The same for SmolLM2.";
    "MISTRAL_URLS", "", "The same for Mistral.";
    "OLLAMA_URLS", "", "Ollama servers that answer instead of the seven, written as those above; needs `OLLAMA_MODEL`. With it neither `LOCAL_AI_HOST` nor an address of the seven may be set.";
    "OLLAMA_MODEL", "", "The one model on `OLLAMA_URLS`, as Ollama names it.";
    "FALLBACK_TO_CLOUD", "false", "Whether a cloud's model answers where no local one can, for agents that allow it.";
    "CLOUD_BASE_URL", "", "An OpenAI-compatible endpoint, such as `https://api.example.com/v1`; `;slots=64` as above.";
    "CLOUD_API_KEY", "", "The key that it wants.";
    "CLOUD_MODEL", "", "The model there.";
    "CLOUD_CONTEXT", "128000", "How many tokens that model can read, 1024 to 100000000.";
    "CLOUD_PRICE_PROMPT", "", "What a million tokens cost that it reads, such as `0.15`.";
    "CLOUD_PRICE_COMPLETION", "", "What a million tokens cost that it writes.";
    "CLOUD_CURRENCY", "USD", "In which currency, by its ISO 4217 code.";
    "MODEL_FIRST_TOKEN_SECONDS", "60", "The longest wait for the first word of a model that is in memory, 1 to 3600.";
    "MODEL_LOAD_SECONDS", "120", "How much longer that is where the model may have to be loaded first, 1 to 3600.";
    "MODEL_IDLE_SECONDS", "30", "The longest silence within an answer, 1 to 3600.";
    "MODEL_QUEUE_LENGTH", "256", "The most requests that wait for one model, 0 to 100000.";
    "MODEL_QUEUE_SECONDS", "60", "The longest that a request waits for its turn, 1 to 3600.";
    "SECRETS_KEY", "", "32 bytes in base64 (`openssl rand -base64 32`), with which the keys of engines are sealed in the database. Without it none can be stored on the page of the models.";
    "METRICS_ADDRESS", "127.0.0.1:9464", "Where Prometheus finds `/metrics`, away from the public address; empty for nowhere.";
    "LOG_FORMAT", "text", "`text` for people, `json` for machines.";
    "RUST_LOG", "info", "What is logged, as `tracing` writes filters.";
}

/// A setting that is missing or wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} {problem}")]
pub struct ConfigError {
    name: &'static str,
    problem: String,
}

/// The environment.
#[derive(Debug, Clone)]
pub struct Env(HashMap<OsString, OsString>);

impl Env {
    /// Of this process.
    #[must_use]
    pub fn of_process() -> Self {
        Self(std::env::vars_os().collect())
    }

    /// For tests.
    #[must_use]
    pub fn from_pairs(pairs: &[(&str, &str)]) -> Self {
        Self(
            pairs
                .iter()
                .map(|(name, value)| ((*name).into(), (*value).into()))
                .collect(),
        )
    }

    /// What is set, or the default; `None` for an empty one.
    pub(super) fn get(&self, name: &'static str) -> Result<Option<&str>, ConfigError> {
        let known = VARIABLES.iter().find(|variable| variable.name == name);
        debug_assert!(known.is_some(), "{name} is not in the table");
        let value = match self.0.get(OsStr::new(name)) {
            Some(value) => value
                .to_str()
                .ok_or_else(|| wrong(name, "is not valid UTF-8"))?,
            None => known.map_or("", |variable| variable.default),
        };
        let value = value.trim();
        Ok((!value.is_empty()).then_some(value))
    }

    /// Whether there is more than the default.
    pub(super) fn is_set(&self, name: &str) -> bool {
        self.0
            .get(OsStr::new(name))
            .is_some_and(|value| !value.to_string_lossy().trim().is_empty())
    }

    /// As [`Self::get`], where something must be set.
    pub(super) fn require(&self, name: &'static str) -> Result<&str, ConfigError> {
        self.get(name)?
            .ok_or_else(|| wrong(name, "is not set: see docs/CONFIG.md"))
    }

    /// A value of another type.
    pub(super) fn parse<T>(&self, name: &'static str) -> Result<T, ConfigError>
    where
        T: FromStr<Err: Display>,
    {
        let value = self.require(name)?;
        value
            .parse()
            .map_err(|error| wrong(name, &format!("is {value:?}: {error}")))
    }

    /// A number within bounds.
    pub(super) fn number(
        &self,
        name: &'static str,
        min: u64,
        max: u64,
    ) -> Result<u64, ConfigError> {
        let number: u64 = self.parse(name)?;
        if (min..=max).contains(&number) {
            Ok(number)
        } else {
            Err(wrong(
                name,
                &format!("is {number}: it must be {min} to {max}"),
            ))
        }
    }
}

/// Says what is wrong with `name`.
pub(super) fn wrong(name: &'static str, problem: &str) -> ConfigError {
    ConfigError {
        name,
        problem: problem.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    #[test]
    fn what_is_no_text_is_named_where_it_is_needed() {
        let bytes = OsString::from_vec(vec![b'p', 0xff]);
        let env = Env(HashMap::from([
            ("DATABASE_PASSWORD".into(), bytes.clone()),
            ("SOMETHING_ELSE".into(), bytes),
        ]));
        assert_eq!(
            env.get("DATABASE_PASSWORD").unwrap_err().to_string(),
            "DATABASE_PASSWORD is not valid UTF-8"
        );
        assert_eq!(env.get("LOG_FORMAT"), Ok(Some("text")));
    }

    #[test]
    fn a_default_and_an_empty_text_are_not_set() {
        let env = Env::from_pairs(&[("LOG_FORMAT", " "), ("LOCAL_AI_HOST", "db")]);
        assert!(env.is_set("LOCAL_AI_HOST"));
        assert!(!env.is_set("LOG_FORMAT"));
        assert!(!env.is_set("DATABASE_PORT"));
        assert_eq!(env.get("LOG_FORMAT"), Ok(None));
    }
}
