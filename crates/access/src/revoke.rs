//! Taking keys back.

use onelastai_db::{Actor, Origin, record};
use onelastai_types::{ApiKeyId, UserId};
use serde_json::{Map, json};

use crate::{
    AccessService, KeyError, Owner,
    manage::{entry, text},
};

impl AccessService {
    /// Takes a key back: no replica lets it in any more. Doing so again changes nothing.
    ///
    /// # Errors
    /// [`KeyError::NotFound`]; or where the database is away.
    pub async fn revoke(&self, owner: &Owner, id: ApiKeyId) -> Result<(), KeyError> {
        let actor = Actor::User {
            id: owner.user.0,
            name: owner.username.clone(),
        };
        self.take_back(id, Some(owner.user), actor, &owner.origin)
            .await
    }

    /// Takes back anybody's key, for an operator.
    ///
    /// # Errors
    /// As [`Self::revoke`].
    pub async fn revoke_any(
        &self,
        id: ApiKeyId,
        actor: Actor,
        origin: &Origin,
    ) -> Result<(), KeyError> {
        self.take_back(id, None, actor, origin).await
    }

    async fn take_back(
        &self,
        id: ApiKeyId,
        of: Option<UserId>,
        actor: Actor,
        origin: &Origin,
    ) -> Result<(), KeyError> {
        let mut transaction = self.pool().begin().await?;
        let was = sqlx::query!(
            "SELECT name, prefix, revoked_at FROM api_keys
             WHERE id = $1 AND ($2::uuid IS NULL OR user_id = $2)
             FOR UPDATE",
            id.0,
            of.map(|user| user.0),
        )
        .fetch_optional(&mut *transaction)
        .await?
        .ok_or(KeyError::NotFound)?;
        if was.revoked_at.is_none() {
            let now = sqlx::query_scalar!(
                "UPDATE api_keys SET revoked_at = now() WHERE id = $1 RETURNING revoked_at",
                id.0,
            )
            .fetch_one(&mut *transaction)
            .await?;
            let changes = Map::from_iter([
                ("revoked_at".to_owned(), json!([null, text(now)])),
                ("name".to_owned(), json!([was.name, was.name])),
                ("prefix".to_owned(), json!([was.prefix, was.prefix])),
            ]);
            let entry = entry(actor, origin, "key.revoked", id, changes);
            record(&mut transaction, entry).await?;
            transaction.commit().await?;
        }
        // Told again where it was taken back before: perhaps nobody heard of it then.
        self.announce(id).await;
        Ok(())
    }
}
