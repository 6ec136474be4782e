//! The server's side of the keys' server functions.

use leptos_axum::redirect;
use onelastai_identity::Permission;
use onelastai_types::ApiKeyId;

use super::submit::owner_of;
use crate::error::AppError;
use crate::session::allowed;

pub(super) async fn revoke(key: ApiKeyId) -> Result<(), AppError> {
    let (state, session, parts) = allowed(Permission::KeysManageOwn).await?;
    let owner = owner_of(&session, &parts);
    state.access.revoke(&owner, key).await?;
    redirect("/account/keys?done=revoked");
    Ok(())
}
