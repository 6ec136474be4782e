//! An answer as its model wrote it, for whoever takes it elsewhere.

// The macro makes a struct of the function's arguments; the docs stand at the function.
#![allow(missing_docs)]

use leptos::prelude::*;
use onelastai_types::GenerationId;

use crate::error::AppError;
#[cfg(feature = "ssr")]
use crate::session::{caller, with_status};

/// The Markdown of an answer. The page has only what was made of it.
#[server(prefix = "/api/fn", endpoint = "answer_source")]
pub async fn answer_source(generation: GenerationId) -> Result<String, AppError> {
    with_status(read(generation).await)
}

#[cfg(feature = "ssr")]
async fn read(generation: GenerationId) -> Result<String, AppError> {
    let (state, caller) = caller().await?;
    Ok(state.chat.answer(caller.user, generation).await?.content)
}
