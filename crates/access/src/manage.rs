//! Making keys: in one transaction with its line in the audit log.

use onelastai_db::{Actor, AuditEntry, Origin, new_id, record};
use onelastai_identity::{Permission, Permissions, Secret};
use onelastai_types::{ApiKeyId, UserId};
use serde_json::{Map, Value, json};
use sqlx::{PgConnection, types::ipnetwork::IpNetwork};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

use crate::{AccessService, FieldError, KeyDraft, KeyError, Scopes, key};

/// The most keys of one person that are good at the same time.
pub const MOST_KEYS: i64 = 100;

/// Somebody who sees to their own keys.
#[derive(Debug, Clone)]
pub struct Owner {
    /// The person.
    pub user: UserId,
    /// The username, for the audit log.
    pub username: String,
    /// Keycloak's groups, as full paths.
    pub groups: Vec<String>,
    /// All that this person may do.
    pub permissions: Permissions,
    /// From where.
    pub origin: Origin,
    /// The program by which an operator sees to them, for the audit log.
    pub program: Option<&'static str>,
}

impl Owner {
    pub(crate) fn entry(
        &self,
        action: &'static str,
        key: ApiKeyId,
        changes: Map<String, Value>,
    ) -> AuditEntry<'_> {
        let actor = match self.program {
            Some(program) => Actor::Program(program),
            None => Actor::User {
                id: self.user.0,
                name: self.username.clone(),
            },
        };
        entry(actor, &self.origin, action, key, changes)
    }

    pub(crate) fn may_have_keys(&self) -> Result<(), KeyError> {
        if self.permissions.allow(Permission::KeysManageOwn) {
            Ok(())
        } else {
            Err(KeyError::NotAllowed)
        }
    }
}

/// A key that was just made: the only time that it can be shown.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// Its id.
    pub id: ApiKeyId,
    /// What its owner calls it.
    pub name: String,
    /// The key itself.
    pub key: Secret,
    /// What it is for: of a key that took another's place, only what its owner may still do.
    pub scopes: Scopes,
    /// When it ends by itself.
    pub expires_at: Option<OffsetDateTime>,
}

impl AccessService {
    /// Makes a key. `request` names the form it comes from: sent twice, it makes one key.
    ///
    /// # Errors
    /// [`KeyError::NotAllowed`] without the permission `keys.manage_own`, or where the account
    /// is closed; [`KeyError::Invalid`], [`KeyError::MadeAlready`], [`KeyError::TooMany`]; or
    /// where the database is away.
    pub async fn create(
        &self,
        owner: &Owner,
        request: Uuid,
        draft: KeyDraft,
    ) -> Result<NewKey, KeyError> {
        owner.may_have_keys()?;
        let draft = draft
            .checked(&owner.permissions, OffsetDateTime::now_utc())
            .map_err(KeyError::Invalid)?;
        let mut transaction = self.pool().begin().await?;
        take_turn(&mut transaction, owner.user).await?;
        let before = sqlx::query_scalar!(
            "SELECT id FROM api_keys WHERE user_id = $1 AND request_id = $2",
            owner.user.0,
            request,
        )
        .fetch_optional(&mut *transaction)
        .await?;
        if let Some(before) = before {
            return Err(KeyError::MadeAlready(before.into()));
        }
        let good = sqlx::query_scalar!(
            r#"SELECT count(*) AS "count!" FROM api_keys
               WHERE user_id = $1 AND revoked_at IS NULL
                 AND coalesce(least(expires_at, overlap_until) > now(), true)"#,
            owner.user.0,
        )
        .fetch_one(&mut *transaction)
        .await?;
        if good >= MOST_KEYS {
            return Err(KeyError::TooMany(MOST_KEYS));
        }
        let agents = draft.agents.as_ref();
        let agents: Option<Vec<Uuid>> = agents.map(|ids| ids.iter().map(|id| id.0).collect());
        if let Some(agents) = &agents {
            only_usable(&mut transaction, owner, agents).await?;
        }
        let (id, secret): (ApiKeyId, _) = (new_id(), key::new_key());
        let networks: Option<&[IpNetwork]> = draft.networks.as_deref();
        sqlx::query!(
            "INSERT INTO api_keys (id, user_id, request_id, name, prefix, key_hash, scopes,
                                   agent_ids, networks, requests_per_minute, tokens_per_minute,
                                   monthly_budget_minor, budget_currency, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::cidr[], $10, $11, $12, $13, $14)",
            id.0,
            owner.user.0,
            request,
            draft.name,
            key::prefix(&secret),
            &secret.hash()[..],
            &draft.scopes.names(),
            agents.as_deref(),
            networks,
            draft.requests_per_minute.map(u32::cast_signed),
            draft.tokens_per_minute.map(u32::cast_signed),
            draft.monthly_budget.map(|budget| budget.minor),
            draft
                .monthly_budget
                .map(|budget| budget.currency.code().to_owned()),
            draft.expires_at,
        )
        .execute(&mut *transaction)
        .await?;
        let mut changes = facts(&draft);
        changes.insert("prefix".into(), json!([null, key::prefix(&secret)]));
        record(&mut transaction, owner.entry("key.created", id, changes)).await?;
        transaction.commit().await?;
        Ok(NewKey {
            id,
            name: draft.name,
            key: secret,
            scopes: draft.scopes,
            expires_at: draft.expires_at,
        })
    }
}

/// One at a time for each person, and not for a closed account.
pub(crate) async fn take_turn(connection: &mut PgConnection, user: UserId) -> Result<(), KeyError> {
    let open = sqlx::query_scalar!(
        r#"SELECT disabled_at IS NULL AS "open!" FROM users WHERE id = $1 FOR NO KEY UPDATE"#,
        user.0,
    )
    .fetch_optional(connection)
    .await?;
    if open == Some(true) {
        Ok(())
    } else {
        Err(KeyError::NotAllowed)
    }
}

/// That the owner may use all of these agents; who may is for the schema to say
/// (`agent_usable_by`), as for every list of them.
async fn only_usable(
    connection: &mut PgConnection,
    owner: &Owner,
    agents: &[Uuid],
) -> Result<(), KeyError> {
    let usable = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM agents a
           WHERE a.id = ANY($1) AND a.deleted_at IS NULL AND agent_usable_by(a, $2, $3)"#,
        agents,
        owner.user.0,
        &owner.groups,
    )
    .fetch_one(connection)
    .await?;
    if usable == agents.len() as i64 {
        Ok(())
    } else {
        Err(KeyError::Invalid(vec![FieldError {
            field: "agents",
            message: "Choose from the agents that you may use.".to_owned(),
        }]))
    }
}

pub(crate) fn entry<'a>(
    actor: Actor,
    origin: &'a Origin,
    action: &'static str,
    key: ApiKeyId,
    changes: Map<String, Value>,
) -> AuditEntry<'a> {
    AuditEntry {
        actor,
        origin,
        action,
        target_type: "api_keys",
        target_id: key.0,
        changes,
    }
}

pub(crate) fn text(at: Option<OffsetDateTime>) -> Option<String> {
    at.and_then(|at| at.format(&Rfc3339).ok())
}

/// What the log keeps of a new key.
fn facts(draft: &KeyDraft) -> Map<String, Value> {
    let all = [
        ("name", json!(draft.name)),
        ("scopes", json!(draft.scopes)),
        ("agents", json!(draft.agents)),
        (
            "networks",
            json!(draft.networks.as_ref().map(|networks| {
                let texts = networks.iter().map(IpNetwork::to_string);
                texts.collect::<Vec<_>>()
            })),
        ),
        ("requests_per_minute", json!(draft.requests_per_minute)),
        ("tokens_per_minute", json!(draft.tokens_per_minute)),
        (
            "monthly_budget",
            json!(draft.monthly_budget.map(|budget| budget.to_string())),
        ),
        ("expires_at", json!(text(draft.expires_at))),
    ];
    all.into_iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.to_owned(), json!([null, value])))
        .collect()
}
