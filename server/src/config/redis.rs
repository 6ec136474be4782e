//! Redis.

use super::{ConfigError, Env, env::wrong};

pub(super) fn read(env: &Env) -> Result<String, ConfigError> {
    let url = env.require("REDIS_URL")?;
    if url.starts_with("redis://") || url.starts_with("rediss://") {
        Ok(url.to_owned())
    } else {
        Err(wrong("REDIS_URL", "must begin with redis:// or rediss://"))
    }
}
