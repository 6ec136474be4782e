//! The server's side of the administration's server functions.

use leptos_axum::redirect;
use onelastai_identity::Permission;
use onelastai_types::{Tier, UserId, UserSessionId};

use crate::error::AppError;
use crate::session::{actor_of, allowed, origin};

pub(super) async fn disable(user: UserId) -> Result<(), AppError> {
    let (state, who, parts) = allowed(Permission::UsersManage).await?;
    if user == who.user {
        return Err(AppError::Invalid {
            field: "user".to_owned(),
            message: "This is your own account: somebody else must close it.".to_owned(),
        });
    }
    state
        .identity
        .disable_user(user, actor_of(&who), &origin(&parts))
        .await?;
    redirect(&format!("/admin/users/{user}"));
    Ok(())
}

pub(super) async fn enable(user: UserId) -> Result<(), AppError> {
    let (state, who, parts) = allowed(Permission::UsersManage).await?;
    state
        .identity
        .enable_user(user, actor_of(&who), &origin(&parts))
        .await?;
    redirect(&format!("/admin/users/{user}"));
    Ok(())
}

pub(super) async fn set_tier(user: UserId, tier: Tier) -> Result<(), AppError> {
    let (state, who, parts) = allowed(Permission::UsersManage).await?;
    state
        .identity
        .set_tier(user, tier, actor_of(&who), &origin(&parts))
        .await?;
    redirect(&format!("/admin/users/{user}"));
    Ok(())
}

pub(super) async fn end_session(user: UserId, session: UserSessionId) -> Result<(), AppError> {
    let (state, who, parts) = allowed(Permission::UsersManage).await?;
    state
        .identity
        .end_session(user, session, actor_of(&who), &origin(&parts))
        .await?;
    redirect(&format!("/admin/users/{user}"));
    Ok(())
}
