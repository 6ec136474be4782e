//! The program `onelastai` as a library, so that tests run the very same server.

pub mod cli;
pub mod config;
pub mod http;
pub mod services;
pub mod site;
pub mod telemetry;
pub mod worker;
