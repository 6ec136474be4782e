//! The very program, as an operator calls it.

use std::{
    path::Path,
    process::{Output, Stdio},
};

use onelastai_db::PgPool;
use serde_json::Value;
use sqlx::ConnectOptions;
use tokio::process::Command;

/// Calls the program on the database of `pool`, with the settings of the environment but for
/// `change`.
pub async fn run(pool: &PgPool, arguments: &[&str], change: &[(&str, &str)]) -> Output {
    let program = Path::new(env!("CARGO_BIN_EXE_onelastai"));
    run_at(program, pool, arguments, change).await
}

/// The same with the program at another place.
pub async fn run_at(
    program: &Path,
    pool: &PgPool,
    arguments: &[&str],
    change: &[(&str, &str)],
) -> Output {
    Command::new(program)
        .args(arguments)
        .env(
            "DATABASE_URL",
            pool.connect_options().to_url_lossy().as_str(),
        )
        .envs(change.iter().copied())
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// What it printed with `--json`.
pub fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}{}", text(&output.stdout), text(&output.stderr)))
}
