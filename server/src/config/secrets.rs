//! The key that other keys are sealed with.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{ConfigError, Env, env::wrong};

/// 32 bytes that are never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretsKey([u8; 32]);

impl SecretsKey {
    /// The bytes themselves, to seal and open with.
    #[must_use]
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for SecretsKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretsKey")
    }
}

pub(super) fn read(env: &Env) -> Result<Option<SecretsKey>, ConfigError> {
    const NAME: &str = "SECRETS_KEY";
    let Some(text) = env.get(NAME)? else {
        return Ok(None);
    };
    let bytes = STANDARD.decode(text.trim()).ok();
    let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
    match bytes {
        Some(bytes) => Ok(Some(SecretsKey(bytes))),
        // What it is must not get into a log.
        None => Err(wrong(
            NAME,
            "must be 32 bytes in base64: openssl rand -base64 32",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_but_not_shown() {
        let text = STANDARD.encode([7; 32]);
        let key = read(&Env::from_pairs(&[("SECRETS_KEY", &text)])).unwrap();
        assert_eq!(key.as_ref().map(SecretsKey::bytes), Some(&[7; 32]));
        assert_eq!(format!("{key:?}"), "Some(SecretsKey)");
        assert_eq!(read(&Env::from_pairs(&[])).unwrap(), None);
    }
}
