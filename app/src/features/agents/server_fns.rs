//! What can be done to an agent with one press. Each works as a plain form.

#![allow(missing_docs)]

use leptos::prelude::*;
use onelastai_types::AgentId;

use crate::error::AppError;
#[cfg(feature = "ssr")]
use crate::session::with_status;

/// Makes a copy that belongs to whoever asks.
#[server(prefix = "/api/fn", endpoint = "duplicate_agent")]
pub async fn duplicate_agent(agent: AgentId) -> Result<(), AppError> {
    with_status(super::handlers::duplicate(agent).await)
}

/// Takes an agent out of the lists; its conversations go on.
#[server(prefix = "/api/fn", endpoint = "archive_agent")]
pub async fn archive_agent(agent: AgentId) -> Result<(), AppError> {
    with_status(super::handlers::archive(agent, true).await)
}

/// Brings an archived agent back.
#[server(prefix = "/api/fn", endpoint = "unarchive_agent")]
pub async fn unarchive_agent(agent: AgentId) -> Result<(), AppError> {
    with_status(super::handlers::archive(agent, false).await)
}

/// Deletes an agent; [`restore_agent`] brings it back for 30 days.
#[server(prefix = "/api/fn", endpoint = "delete_agent")]
pub async fn delete_agent(agent: AgentId) -> Result<(), AppError> {
    with_status(super::handlers::delete(agent).await)
}

/// Brings a deleted agent back.
#[server(prefix = "/api/fn", endpoint = "restore_agent")]
pub async fn restore_agent(agent: AgentId) -> Result<(), AppError> {
    with_status(super::handlers::restore(agent).await)
}

/// Makes a new version that says what an old one said.
#[server(prefix = "/api/fn", endpoint = "restore_agent_version")]
pub async fn restore_agent_version(
    slug: String,
    based_on: i32,
    version: i32,
) -> Result<(), AppError> {
    with_status(super::handlers::restore_version(slug, based_on, version).await)
}
