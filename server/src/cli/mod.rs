//! The commands, one file each.

mod audit;
mod db;
mod doctor;
mod dump;
mod keycloak;
mod keys;
mod models;
mod output;
mod serve;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{
    config::{self, Config, Env},
    telemetry,
};

/// Any failure, for the last line on the screen.
type Failure = Box<dyn std::error::Error + Send + Sync>;
type Done = Result<ExitCode, Failure>;

/// A self-hosted AI platform: chat, agents and billing in one program.
///
/// Settings are environment variables; `docs/CONFIG.md` lists them.
#[derive(Debug, Parser)]
#[command(name = "onelastai", version, propagate_version = true)]
pub struct Cli {
    /// Print JSON instead of text.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server.
    Serve,
    /// Look at everything that the server needs; the exit code tells whether all is well.
    Doctor,
    /// The database.
    #[command(subcommand)]
    Db(db::Command),
    /// The models.
    #[command(subcommand)]
    Models(models::Command),
    /// Keycloak.
    #[command(subcommand)]
    Keycloak(keycloak::Command),
    /// The audit log.
    #[command(subcommand)]
    Audit(audit::Command),
    /// API keys.
    #[command(subcommand)]
    Keys(keys::Command),
    /// Print docs/CONFIG.md.
    #[command(hide = true)]
    ConfigReference,
}

impl Cli {
    /// Runs the command. Exit codes: 0 well, 1 not well, 2 wrong call (as clap has it).
    #[must_use]
    pub fn run(self) -> ExitCode {
        let runtime = match tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
        {
            Ok(runtime) => runtime,
            Err(error) => return fail(&error.into()),
        };
        // reqwest is built without a TLS provider of its own; a second call changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        match runtime.block_on(self.execute()) {
            Ok(code) => code,
            Err(error) => fail(&error),
        }
    }

    async fn execute(self) -> Done {
        let env = Env::of_process();
        let json = self.json;
        match self.command {
            Command::ConfigReference => {
                output::text(config::document().trim_end());
                Ok(ExitCode::SUCCESS)
            }
            Command::Serve => {
                let config = Config::read(&env)?;
                telemetry::start(config.web.log_format, &config.web.log_filter);
                serve::run(&config).await
            }
            Command::Db(command) => db::run(command, &config::database(&env)?, json).await,
            Command::Models(command) => models::run(&command, &env, json).await,
            Command::Keycloak(command) => keycloak::run(&command, &Config::read(&env)?, json).await,
            Command::Audit(command) => audit::run(command, &config::database(&env)?, json).await,
            Command::Keys(command) => keys::run(command, &Config::read(&env)?, json).await,
            Command::Doctor => doctor::run(&env, json).await,
        }
    }
}

fn fail(error: &Failure) -> ExitCode {
    output::error(&format!("onelastai: {error}"));
    ExitCode::FAILURE
}
