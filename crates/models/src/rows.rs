//! The stored models.

use onelastai_db::DbResult;
use onelastai_model_router::{InstanceSpec, Price};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::{PgConnection, PgExecutor};
use url::Url;

use crate::draft::{
    ModelDraft, capabilities_named, capability_names, kind_name, kind_named, provider_name,
    provider_named,
};

/// A stored model.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) draft: ModelDraft,
    /// Its key, sealed.
    pub(crate) key: Option<Vec<u8>>,
    /// Goes up with every change.
    pub(crate) version: i32,
}

struct Row {
    id: String,
    display_name: String,
    provider: String,
    kind: String,
    engine_name: String,
    instances: Value,
    context_length: i32,
    capabilities: Vec<String>,
    price_currency: Option<String>,
    price_prompt: Option<i64>,
    price_completion: Option<i64>,
    key_cipher: Option<Vec<u8>>,
    purpose: String,
    enabled: bool,
    position: i32,
    version: i32,
}

#[derive(Serialize, Deserialize)]
struct Instance {
    url: Url,
    slots: u32,
    weight: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    context: Option<u32>,
}

impl From<Instance> for InstanceSpec {
    fn from(it: Instance) -> Self {
        Self {
            url: it.url,
            slots: it.slots,
            weight: it.weight,
            context: it.context,
        }
    }
}

/// All that are not removed. One that can't be understood, since a newer version of the product
/// wrote it, is left out with a word in the log.
pub(crate) async fn all(pool: impl PgExecutor<'_>) -> DbResult<Vec<Stored>> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, display_name, provider, kind, engine_name, instances, context_length,
             capabilities, price_currency, price_prompt, price_completion, key_cipher, purpose,
             enabled, position, version
         FROM models WHERE removed_at IS NULL ORDER BY position, id"
    )
    .fetch_all(pool)
    .await?;
    let known = rows.into_iter().filter_map(|row| {
        let id = row.id.clone();
        let stored = stored(row);
        if stored.is_none() {
            tracing::error!(model = id, "a stored model can't be understood");
        }
        stored
    });
    Ok(known.collect())
}

/// One, which nobody else changes until the transaction ends.
pub(crate) async fn lock(connection: &mut PgConnection, id: &str) -> DbResult<Option<Stored>> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, display_name, provider, kind, engine_name, instances, context_length,
             capabilities, price_currency, price_prompt, price_completion, key_cipher, purpose,
             enabled, position, version
         FROM models WHERE id = $1 AND removed_at IS NULL FOR UPDATE",
        id
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.and_then(stored))
}

fn stored(row: Row) -> Option<Stored> {
    let instances: Vec<Instance> = serde_json::from_value(row.instances).ok()?;
    let price = match (row.price_currency, row.price_prompt, row.price_completion) {
        (Some(currency), Some(prompt), Some(completion)) => Some(Price {
            currency,
            prompt_micros_per_million: u64::try_from(prompt).ok()?,
            completion_micros_per_million: u64::try_from(completion).ok()?,
        }),
        _ => None,
    };
    Some(Stored {
        draft: ModelDraft {
            id: row.id,
            display_name: row.display_name,
            provider: provider_named(&row.provider)?,
            kind: kind_named(&row.kind)?,
            engine_name: row.engine_name,
            instances: instances.into_iter().map(InstanceSpec::from).collect(),
            context_length: u32::try_from(row.context_length).ok()?,
            capabilities: capabilities_named(row.capabilities.iter().map(String::as_str)),
            price,
            purpose: row.purpose,
            enabled: row.enabled,
            position: row.position,
        },
        key: row.key_cipher,
        version: row.version,
    })
}

/// Stores a model that there isn't yet; one of this name that was removed is overwritten. `false`
/// where there is one.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    draft: &ModelDraft,
    key: Option<&[u8]>,
) -> DbResult<bool> {
    let Columns {
        instances,
        context_length,
        capabilities,
        currency,
        prompt,
        completion,
    } = columns(draft);
    let done = sqlx::query!(
        "INSERT INTO models
             (id, display_name, provider, kind, engine_name, instances, context_length,
              capabilities, price_currency, price_prompt, price_completion, key_cipher, purpose,
              enabled, position)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
         ON CONFLICT (id) DO UPDATE SET
             display_name = $2, provider = $3, kind = $4, engine_name = $5, instances = $6,
             context_length = $7, capabilities = $8, price_currency = $9, price_prompt = $10,
             price_completion = $11, key_cipher = $12, purpose = $13, enabled = $14,
             position = $15, version = models.version + 1, created_at = now(),
             updated_at = now(), removed_at = NULL
         WHERE models.removed_at IS NOT NULL",
        draft.id,
        draft.display_name,
        provider_name(draft.provider),
        kind_name(draft.kind),
        draft.engine_name,
        instances,
        context_length,
        &capabilities,
        currency,
        prompt,
        completion,
        key,
        draft.purpose,
        draft.enabled,
        draft.position,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Stores what is said of a model anew; it is locked.
pub(crate) async fn update(
    connection: &mut PgConnection,
    draft: &ModelDraft,
    key: Option<&[u8]>,
) -> DbResult<()> {
    let Columns {
        instances,
        context_length,
        capabilities,
        currency,
        prompt,
        completion,
    } = columns(draft);
    sqlx::query!(
        "UPDATE models SET
             display_name = $2, provider = $3, kind = $4, engine_name = $5, instances = $6,
             context_length = $7, capabilities = $8, price_currency = $9, price_prompt = $10,
             price_completion = $11, key_cipher = $12, purpose = $13, enabled = $14,
             position = $15, version = version + 1, updated_at = now()
         WHERE id = $1",
        draft.id,
        draft.display_name,
        provider_name(draft.provider),
        kind_name(draft.kind),
        draft.engine_name,
        instances,
        context_length,
        &capabilities,
        currency,
        prompt,
        completion,
        key,
        draft.purpose,
        draft.enabled,
        draft.position,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// What of a draft is stored in another form.
struct Columns {
    instances: Value,
    context_length: i32,
    capabilities: Vec<String>,
    currency: Option<String>,
    prompt: Option<i64>,
    completion: Option<i64>,
}

fn columns(draft: &ModelDraft) -> Columns {
    let instances = draft.instances.iter().map(|it| Instance {
        url: it.url.clone(),
        slots: it.slots,
        weight: it.weight,
        context: it.context,
    });
    let instances: Vec<_> = instances.collect();
    let price = draft.price.as_ref();
    // `check` has seen to it that the numbers fit.
    let micros = |of: fn(&Price) -> u64| price.map(|it| i64::try_from(of(it)).unwrap_or(i64::MAX));
    Columns {
        instances: json!(instances),
        context_length: i32::try_from(draft.context_length).unwrap_or(i32::MAX),
        capabilities: capability_names(draft.capabilities)
            .into_iter()
            .map(str::to_owned)
            .collect(),
        currency: price.map(|it| it.currency.clone()),
        prompt: micros(|it| it.prompt_micros_per_million),
        completion: micros(|it| it.completion_micros_per_million),
    }
}
