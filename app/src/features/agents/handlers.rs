//! The server's side of the dashboard's server functions.

use leptos_axum::redirect;
use onelastai_agents::Editor;
use onelastai_types::AgentId;

use crate::error::AppError;
use crate::session::{editor, page_of_form};
use crate::state::AppState;

async fn who() -> Result<(AppState, Editor), AppError> {
    editor().await
}

/// Back to the page of the form, without what a form before it left in the address.
fn back(otherwise: &str) {
    let page = page_of_form().map(|page| page.path().to_owned());
    redirect(page.as_deref().unwrap_or(otherwise));
}

pub(super) async fn duplicate(agent: AgentId) -> Result<(), AppError> {
    let (state, editor) = who().await?;
    let made = state.agents.duplicate(&editor, agent).await?;
    redirect(&format!("/agents/{}?done=duplicated", made.slug));
    Ok(())
}

pub(super) async fn archive(agent: AgentId, archived: bool) -> Result<(), AppError> {
    let (state, editor) = who().await?;
    if archived {
        state.agents.archive(&editor, agent).await?;
    } else {
        state.agents.unarchive(&editor, agent).await?;
    }
    back("/agents");
    Ok(())
}

pub(super) async fn delete(agent: AgentId) -> Result<(), AppError> {
    let (state, editor) = who().await?;
    state.agents.delete(&editor, agent).await?;
    redirect(&format!("/agents?deleted={agent}"));
    Ok(())
}

pub(super) async fn restore(agent: AgentId) -> Result<(), AppError> {
    let (state, editor) = who().await?;
    state.agents.restore(&editor, agent).await?;
    redirect("/agents");
    Ok(())
}

pub(super) async fn restore_version(
    slug: String,
    based_on: i32,
    version: i32,
) -> Result<(), AppError> {
    let (state, editor) = who().await?;
    let agent = state.agents.editable(&editor.viewer, &slug).await?;
    let saved = state
        .agents
        .restore_version(&editor, agent.id, based_on, version)
        .await?;
    // An older version may have had another address.
    let (slug, version) = (saved.slug, saved.version);
    redirect(&format!("/agents/{slug}/versions?saved={version}"));
    Ok(())
}
