//! Replacing a key by a new one, with a time in which both are good.

use onelastai_db::{new_id, record};
use onelastai_types::ApiKeyId;
use serde_json::{Map, json};

use crate::{
    AccessService, FieldError, KeyError, NewKey, Owner, Scopes, key,
    manage::{take_turn, text},
};

/// How long the old key goes on beside the new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overlap {
    /// It ends now.
    None,
    /// An hour.
    Hour,
    /// A day.
    Day,
    /// Seven days.
    Week,
}

impl Overlap {
    /// All of them, the shortest first.
    pub const ALL: [Self; 4] = [Self::None, Self::Hour, Self::Day, Self::Week];

    /// In seconds.
    #[must_use]
    pub fn seconds(self) -> i64 {
        match self {
            Self::None => 0,
            Self::Hour => 3_600,
            Self::Day => 86_400,
            Self::Week => 604_800,
        }
    }
}

impl AccessService {
    /// Makes a key that takes another's place: the same in everything but the scopes that its
    /// owner may no longer use, and good for as long again. The old one goes on for `overlap`.
    ///
    /// # Errors
    /// [`KeyError::NotFound`], [`KeyError::Ended`], [`KeyError::Replaced`];
    /// [`KeyError::Invalid`] where its owner may use none of its scopes any more; and as
    /// [`Self::create`].
    pub async fn rotate(
        &self,
        owner: &Owner,
        old: ApiKeyId,
        overlap: Overlap,
    ) -> Result<NewKey, KeyError> {
        owner.may_have_keys()?;
        let mut transaction = self.pool().begin().await?;
        take_turn(&mut transaction, owner.user).await?;
        let was = sqlx::query!(
            r#"SELECT k.name, k.prefix, k.scopes, next.id AS "next?",
                      k.revoked_at IS NULL
                          AND coalesce(least(k.expires_at, k.overlap_until) > now(), true)
                          AS "good!"
               FROM api_keys k LEFT JOIN api_keys next ON next.rotated_from = k.id
               WHERE k.id = $1 AND k.user_id = $2
               FOR UPDATE OF k"#,
            old.0,
            owner.user.0,
        )
        .fetch_optional(&mut *transaction)
        .await?
        .ok_or(KeyError::NotFound)?;
        if let Some(next) = was.next {
            return Err(KeyError::Replaced(next.into()));
        }
        if !was.good {
            return Err(KeyError::Ended);
        }
        let before = Scopes::of_names(was.scopes.iter().map(String::as_str));
        let scopes = before.and(Scopes::of(&owner.permissions));
        if scopes.is_empty() {
            return Err(KeyError::Invalid(vec![FieldError {
                field: "scopes",
                message: "You may no longer do anything that this key is for.".to_owned(),
            }]));
        }
        let (id, secret): (ApiKeyId, _) = (new_id(), key::new_key());
        let expires_at = sqlx::query_scalar!(
            "INSERT INTO api_keys (id, user_id, rotated_from, name, prefix, key_hash, scopes,
                                   agent_ids, networks, requests_per_minute, tokens_per_minute,
                                   monthly_budget_minor, budget_currency, expires_at)
             SELECT $2, user_id, id, name, $3, $4, $5, agent_ids, networks, requests_per_minute,
                    tokens_per_minute, monthly_budget_minor, budget_currency,
                    now() + (expires_at - created_at)
             FROM api_keys WHERE id = $1
             RETURNING expires_at",
            old.0,
            id.0,
            key::prefix(&secret),
            &secret.hash()[..],
            &scopes.names(),
        )
        .fetch_one(&mut *transaction)
        .await?;
        let ends_at = sqlx::query_scalar!(
            r#"UPDATE api_keys
               SET revoked_at = CASE WHEN $2::bigint = 0 THEN now() END,
                   overlap_until = now() + $2::bigint * interval '1 second'
               WHERE id = $1
               RETURNING least(expires_at, overlap_until) AS "ends_at!""#,
            old.0,
            overlap.seconds(),
        )
        .fetch_one(&mut *transaction)
        .await?;
        let mut changes = Map::from_iter([
            ("replaced_by".to_owned(), json!([null, id])),
            (
                "prefix".to_owned(),
                json!([was.prefix, key::prefix(&secret)]),
            ),
            ("ends_at".to_owned(), json!([null, text(Some(ends_at))])),
        ]);
        if scopes != before {
            changes.insert("scopes".into(), json!([before, scopes]));
        }
        record(&mut transaction, owner.entry("key.rotated", old, changes)).await?;
        transaction.commit().await?;
        self.announce(old).await;
        Ok(NewKey {
            id,
            name: was.name,
            key: secret,
            scopes,
            expires_at,
        })
    }
}
