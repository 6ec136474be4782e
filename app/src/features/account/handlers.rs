//! The server's side of the account's server functions.

use leptos_axum::redirect;
use onelastai_identity::Permission;
use onelastai_types::UserSessionId;

use crate::error::AppError;
use crate::session::{actor_of, allowed, origin};

pub(super) async fn end(session: UserSessionId) -> Result<(), AppError> {
    let (state, who, parts) = allowed(Permission::SessionsManageOwn).await?;
    state
        .identity
        .end_session(who.user, session, actor_of(&who), &origin(&parts))
        .await?;
    redirect("/account?done=ended");
    Ok(())
}

pub(super) async fn end_others() -> Result<(), AppError> {
    let (state, who, parts) = allowed(Permission::SessionsManageOwn).await?;
    state
        .identity
        .end_other_sessions(&who, &origin(&parts))
        .await?;
    redirect("/account?done=others");
    Ok(())
}
