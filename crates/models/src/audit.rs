//! How changes of models stand in the audit log.

use onelastai_db::{AuditEntry, DbResult, record};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    draft::{ModelDraft, capability_names, kind_name, provider_name},
    instances::show_instance,
    service::Operator,
};

/// Writes a line about the model `id`. The last statement of a transaction.
pub(crate) async fn note(
    connection: &mut PgConnection,
    who: &Operator,
    action: &'static str,
    id: &str,
    changes: Map<String, Value>,
) -> DbResult<()> {
    let entry = AuditEntry {
        actor: who.actor.clone(),
        origin: &who.origin,
        action,
        target_type: "models",
        target_id: target(id),
        changes,
    };
    record(connection, entry).await
}

/// The log knows things by UUIDs, a model has a name: this one is made of it (RFC 9562, 5.8), so
/// that all lines about a model are found by any of them.
fn target(id: &str) -> Uuid {
    let hash: [u8; 32] = Sha256::digest(format!("onelastai model {id}").as_bytes()).into();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// What differs. Keys are not part of it; addresses have no credentials.
pub(crate) fn changes(
    before: Option<&ModelDraft>,
    after: Option<&ModelDraft>,
) -> Map<String, Value> {
    let before = before.map(fields).unwrap_or_default();
    let after = after.map(fields).unwrap_or_default();
    let value = |of: &Map<String, Value>, name: &str| of.get(name).cloned().unwrap_or(Value::Null);
    let names = if after.is_empty() { &before } else { &after };
    names
        .keys()
        .map(|name| (name, value(&before, name), value(&after, name)))
        // Whatever else changes, the reader wants to know which model it is.
        .filter(|(name, before, after)| before != after || name.as_str() == "model")
        .map(|(name, before, after)| (name.clone(), json!([before, after])))
        .collect()
}

fn fields(draft: &ModelDraft) -> Map<String, Value> {
    let instances: Vec<_> = draft.instances.iter().map(show_instance).collect();
    let fields = json!({
        "model": draft.id,
        "display_name": draft.display_name,
        "provider": provider_name(draft.provider),
        "kind": kind_name(draft.kind),
        "engine_name": draft.engine_name,
        "instances": instances,
        "context_length": draft.context_length,
        "capabilities": capability_names(draft.capabilities),
        "price": draft.price,
        "purpose": draft.purpose,
        "enabled": draft.enabled,
        "position": draft.position,
    });
    match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}
