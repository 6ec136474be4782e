//! What somebody may do now who need not be signed in: the owner of an API key, say. Keycloak
//! is asked each time; who asks often remembers the answer for a while.

use onelastai_types::UserId;

use crate::{IdentityError, IdentityService, Permission, Permissions};

/// What Keycloak says of a person now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rights {
    /// Whether Keycloak lets this person sign in; not, where it does not know them.
    pub enabled: bool,
    /// Keycloak's groups, as full paths such as `/staff/editors`.
    pub groups: Vec<String>,
    permissions: Permissions,
}

impl Rights {
    /// All that this person may do.
    #[must_use]
    pub fn permissions(&self) -> &Permissions {
        &self.permissions
    }

    /// Whether this person may do it.
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        self.permissions.allow(permission)
    }
}

impl IdentityService {
    /// Whether [`Self::rights`] can be asked for: a client is set up for it.
    #[must_use]
    pub fn knows_rights(&self) -> bool {
        self.settings().backend.is_some()
    }

    /// What a person may do now: by the realm's roles and those of our own client, as in a
    /// token (`docs/decisions/0008-tokens-once-per-keycloak-session.md`). Somebody whom
    /// Keycloak does not know, or who may not sign in, may do nothing.
    ///
    /// # Errors
    /// [`IdentityError::KeycloakUnavailable`], also where no client is set up to ask or its
    /// service account lacks a role; [`IdentityError::NotFound`] for an account that is not of
    /// this realm; or where the database is away.
    pub async fn rights(&self, user: UserId) -> Result<Rights, IdentityError> {
        if !self.knows_rights() {
            return Err(IdentityError::KeycloakUnavailable(
                "no client is set up to ask what somebody may do".to_owned(),
            ));
        }
        let subject = self.subject(user).await?;
        let keycloak = self.keycloak();
        match keycloak.user(&subject).await {
            Ok(user) if user.enabled => {}
            Ok(_) | Err(IdentityError::NotFound) => return Ok(Rights::default()),
            Err(error) => return Err(error),
        }
        let (realm, client, groups) = tokio::try_join!(
            keycloak.roles(&subject),
            keycloak.client_roles(&subject),
            keycloak.groups(&subject),
        )?;
        let roles = realm.iter().chain(&client).map(|role| role.name.as_str());
        Ok(Rights {
            enabled: true,
            permissions: Permissions::of_roles(roles),
            groups: groups.into_iter().map(|group| group.path).collect(),
        })
    }
}
