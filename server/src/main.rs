//! The program `onelastai`: see `onelastai --help`.

use std::process::ExitCode;

use clap::Parser;
use onelastai_server::cli::Cli;

fn main() -> ExitCode {
    Cli::parse().run()
}
