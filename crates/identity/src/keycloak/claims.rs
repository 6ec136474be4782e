//! What Keycloak says about a person, in ID tokens and access tokens alike.

use std::collections::BTreeMap;

use openidconnect::AdditionalClaims;
use serde::{Deserialize, Serialize};

use super::oidc::Claims;
use crate::{IdentityError, users::Person};

/// What Keycloak adds to an ID token.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct KeycloakClaims {
    /// Keycloak's session (OpenID Connect Back-Channel Logout 1.0, 2.1).
    #[serde(default)]
    pub sid: Option<String>,
    #[serde(flatten)]
    pub grants: Grants,
}

impl AdditionalClaims for KeycloakClaims {}

/// The roles and groups in a token. Keycloak's mappers write them; nothing in them is an
/// attribute that a person can edit.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Grants {
    #[serde(default)]
    realm_access: RoleList,
    #[serde(default)]
    resource_access: BTreeMap<String, RoleList>,
    /// Full paths such as `/staff/editors`.
    #[serde(default)]
    pub groups: Vec<String>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct RoleList {
    #[serde(default)]
    roles: Vec<String>,
}

impl Grants {
    /// The realm's roles and those of our own client; those of other clients don't count.
    pub(crate) fn roles(&self, client: &str) -> Vec<String> {
        let ours = self.resource_access.get(client);
        let mut roles: Vec<_> = self
            .realm_access
            .roles
            .iter()
            .chain(ours.into_iter().flat_map(|list| &list.roles))
            .cloned()
            .collect();
        roles.sort();
        roles.dedup();
        roles
    }
}

/// What a verified ID token tells.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub person: Person,
    /// Keycloak's session.
    pub sid: String,
    pub roles: Vec<String>,
    pub groups: Vec<String>,
}

impl Told {
    pub(super) fn from_claims(claims: &Claims, client: &str) -> Result<Self, IdentityError> {
        let extra = claims.additional_claims();
        let sid = extra
            .sid
            .clone()
            .filter(|sid| !sid.is_empty())
            .ok_or_else(|| IdentityError::Unverified("no sid in the ID token".to_owned()))?;
        let username = claims.preferred_username().map(|name| name.as_str());
        let name = claims.name().and_then(|name| name.get(None));
        Ok(Self {
            person: Person::new(
                claims.issuer().as_str(),
                claims.subject().as_str(),
                username,
                name.map(|name| name.as_str()),
                claims.email().map(|email| email.to_string()),
                claims.email_verified().unwrap_or(false),
                claims.locale().map(|locale| locale.to_string()),
            ),
            sid,
            roles: extra.grants.roles(client),
            groups: extra.grants.groups.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_realm_and_our_own_client_give_roles() {
        let grants: Grants = serde_json::from_value(serde_json::json!({
            "realm_access": { "roles": ["user", "auditor"] },
            "resource_access": {
                "onelastai-web": { "roles": ["agent-manager", "user"] },
                "another": { "roles": ["admin"] },
                "realm-management": { "roles": ["realm-admin"] }
            },
            "roles": ["admin"],
            "permissions": ["users.manage"],
            "groups": ["/staff"]
        }))
        .unwrap();
        assert_eq!(
            grants.roles("onelastai-web"),
            ["agent-manager", "auditor", "user"]
        );
        assert_eq!(grants.groups, ["/staff"]);
    }
}
