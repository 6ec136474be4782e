//! What a person may do: the one place that knows Keycloak's roles.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// Something that not everybody may do. The rest of the program asks for these, never for
/// roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Permission {
    /// Write to agents and read one's own conversations.
    #[serde(rename = "chat.use")]
    ChatUse,
    /// Make agents, and change one's own.
    #[serde(rename = "agents.manage")]
    AgentsManage,
    /// Change, publish and withdraw everybody's agents.
    #[serde(rename = "agents.administer")]
    AgentsAdminister,
    /// Find accounts and see them.
    #[serde(rename = "users.read")]
    UsersRead,
    /// Close and open accounts, end their sessions.
    #[serde(rename = "users.manage")]
    UsersManage,
    /// Read the audit log.
    #[serde(rename = "audit.read")]
    AuditRead,
    /// Take the audit log out as a file.
    #[serde(rename = "audit.export")]
    AuditExport,
    /// See what one's own account costs, and change its plan.
    #[serde(rename = "billing.read_own")]
    BillingReadOwn,
    /// See the billing of every account.
    #[serde(rename = "billing.read_all")]
    BillingReadAll,
    /// Settle, correct and refund the billing of every account.
    #[serde(rename = "billing.settle")]
    BillingSettle,
    /// Make and revoke API keys of one's own.
    #[serde(rename = "keys.manage_own")]
    KeysManageOwn,
    /// See one's own sessions and end them.
    #[serde(rename = "sessions.manage_own")]
    SessionsManageOwn,
    /// See how the servers, the models and the jobs are.
    #[serde(rename = "operations.read")]
    OperationsRead,
    /// Add, change, try out and drain models.
    #[serde(rename = "operations.manage")]
    OperationsManage,
}

use Permission::{
    AgentsAdminister, AgentsManage, AuditExport, AuditRead, BillingReadAll, BillingReadOwn,
    BillingSettle, ChatUse, KeysManageOwn, OperationsManage, OperationsRead, SessionsManageOwn,
    UsersManage, UsersRead,
};

/// What each role allows. A role that isn't here allows nothing. Keycloak's composite roles
/// already bring `user` with every other role; the table still says it all by itself only
/// for `admin`, whom no missing composite should lock out of administering.
const ROLES: &[(&str, &[Permission])] = &[
    (
        "user",
        &[ChatUse, BillingReadOwn, KeysManageOwn, SessionsManageOwn],
    ),
    ("agent-manager", &[AgentsManage]),
    ("billing-admin", &[BillingReadAll, BillingSettle]),
    ("auditor", &[AuditRead, AuditExport]),
    (
        "admin",
        &[
            ChatUse,
            AgentsManage,
            AgentsAdminister,
            UsersRead,
            UsersManage,
            AuditRead,
            AuditExport,
            BillingReadOwn,
            BillingReadAll,
            BillingSettle,
            KeysManageOwn,
            SessionsManageOwn,
            OperationsRead,
            OperationsManage,
        ],
    ),
];

/// The permissions of one person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Permissions(BTreeSet<Permission>);

impl Permissions {
    /// What these roles allow together. Names count exactly as Keycloak writes them.
    pub(crate) fn of_roles<'a>(roles: impl IntoIterator<Item = &'a str>) -> Self {
        let table = |role: &str| {
            ROLES
                .iter()
                .find(|(name, _)| *name == role)
                .map_or(&[][..], |(_, allowed)| *allowed)
        };
        Self(roles.into_iter().flat_map(table).copied().collect())
    }

    /// Whether `permission` is among them.
    #[must_use]
    pub fn allow(&self, permission: Permission) -> bool {
        self.0.contains(&permission)
    }

    /// Those that are in both.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).copied().collect())
    }

    /// All of them, each once.
    pub fn iter(&self) -> impl Iterator<Item = Permission> + '_ {
        self.0.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(roles: &[&str]) -> String {
        serde_json::to_string(&Permissions::of_roles(roles.iter().copied())).unwrap()
    }

    #[test]
    fn a_role_allows_what_its_line_says() {
        assert_eq!(names(&["auditor"]), r#"["audit.read","audit.export"]"#);
        assert_eq!(
            names(&["user", "billing-admin"]),
            r#"["chat.use","billing.read_own","billing.read_all","billing.settle","keys.manage_own","sessions.manage_own"]"#
        );
    }

    #[test]
    fn other_names_allow_nothing() {
        for none in ["", "Admin", "admin ", "administrator", "realm-admin", "*"] {
            assert_eq!(names(&[none]), "[]", "{none:?}");
        }
    }

    #[test]
    fn two_sets_share_what_is_in_both() {
        let (one, other) = (["user", "auditor"], ["auditor", "billing-admin"]);
        let both = Permissions::of_roles(one).and(&Permissions::of_roles(other));
        assert_eq!(both, Permissions::of_roles(["auditor"]));
        assert_eq!(both.and(&Permissions::default()), Permissions::default());
    }

    #[test]
    fn an_admin_may_do_all_that_anybody_may() {
        let admin = Permissions::of_roles(["admin"]);
        for (role, allowed) in ROLES {
            for permission in *allowed {
                assert!(admin.allow(*permission), "{permission:?} of {role}");
            }
        }
        assert!(!Permissions::of_roles(["user", "auditor"]).allow(Permission::UsersManage));
    }
}
