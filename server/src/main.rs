//! The program `onelastai`: see `onelastai --help`.

use std::process::ExitCode;

use clap::Parser;
use onelastai_server::cli::Cli;
use tikv_jemallocator::Jemalloc;

/// Less time than the system's own for many small pieces on many threads
/// (`docs/decisions/0015-release-build.md`).
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> ExitCode {
    Cli::parse().run()
}
