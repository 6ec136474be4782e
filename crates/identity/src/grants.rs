//! Roles and groups change at Keycloak, which does not tell. Whoever hears what a person has
//! now compares it with what the audit log says they had, and notes what is different.

use onelastai_db::{Actor, AuditEntry, Origin, record};
use onelastai_types::UserId;
use serde_json::{Map, Value, json};
use sqlx::PgConnection;

use crate::{IdentityError, keycloak::Told};

/// Notes as `user.roles` what is different from what the log has, in the caller's
/// transaction; call it when all other rows are locked, as [`record`] wants it. What was never
/// noted was `null`.
pub(crate) async fn note(
    connection: &mut PgConnection,
    user: UserId,
    told: &Told,
) -> Result<(), IdentityError> {
    if differences(connection, user, told).await?.is_empty() {
        return Ok(());
    }
    // All sessions of a person learn of it at about the same time: one of them writes it.
    sqlx::query!(
        "SELECT id FROM users WHERE id = $1 FOR NO KEY UPDATE",
        user.0
    )
    .fetch_optional(&mut *connection)
    .await?;
    let changes = differences(connection, user, told).await?;
    if changes.is_empty() {
        return Ok(());
    }
    let entry = AuditEntry {
        // Who did it there, Keycloak's admin events know.
        actor: Actor::Program("keycloak"),
        origin: &Origin::default(),
        action: "user.roles",
        target_type: "users",
        target_id: user.0,
        changes,
    };
    Ok(record(connection, entry).await?)
}

async fn differences(
    connection: &mut PgConnection,
    user: UserId,
    told: &Told,
) -> Result<Map<String, Value>, IdentityError> {
    let noted = sqlx::query!(
        r#"SELECT (SELECT changes -> 'roles' -> 1 FROM audit_logs
                   WHERE target_type = 'users' AND target_id = $1 AND action = 'user.roles'
                     AND changes ? 'roles'
                   ORDER BY sequence DESC LIMIT 1) AS roles,
                  (SELECT changes -> 'groups' -> 1 FROM audit_logs
                   WHERE target_type = 'users' AND target_id = $1 AND action = 'user.roles'
                     AND changes ? 'groups'
                   ORDER BY sequence DESC LIMIT 1) AS groups"#,
        user.0,
    )
    .fetch_one(connection)
    .await?;
    let fields = [
        ("roles", noted.roles, &told.roles),
        ("groups", noted.groups, &told.groups),
    ];
    Ok(fields
        .into_iter()
        .filter_map(|(name, before, now)| {
            Some((name.to_owned(), difference(before.as_ref(), now)?))
        })
        .collect())
}

/// Before and after, unless they are the same names in whatever order.
fn difference(before: Option<&Value>, now: &[String]) -> Option<Value> {
    let mut now = now.to_vec();
    now.sort_unstable();
    now.dedup();
    let now = json!(now);
    let same = match before {
        Some(before) => *before == now,
        None => now == json!([]),
    };
    (!same).then(|| json!([before, now]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn only_other_names_are_a_difference() {
        assert_eq!(difference(None, &[]), None);
        assert_eq!(
            difference(None, &names(&["user"])),
            Some(json!([null, ["user"]]))
        );
        let before = json!(["admin", "user"]);
        assert_eq!(
            difference(Some(&before), &names(&["user", "admin", "user"])),
            None
        );
        assert_eq!(
            difference(Some(&before), &[]),
            Some(json!([["admin", "user"], []]))
        );
    }
}
