//! Access tokens of Keycloak, for programs that call the API for a person (RFC 6750, RFC
//! 9068). Each is checked in full each time: none is remembered.

use onelastai_types::{Tier, UserId};
use serde::Deserialize;

use crate::{
    IdentityError, IdentityService, Permission, Permissions,
    keycloak::{Audience, Grants, Signed, check_times, number, unverified},
    users::{self, Person},
};

/// The audience that an access token must name. A mapper of the client `onelastai-web` adds
/// it; another client of the realm whose tokens the API shall take needs the same mapper.
pub const API_AUDIENCE: &str = "onelastai-api";

/// Somebody for whom a program calls.
#[derive(Debug, Clone)]
pub struct Bearer {
    /// The person.
    pub user: UserId,
    /// Keycloak's username.
    pub username: String,
    /// Keycloak's groups, as full paths.
    pub groups: Vec<String>,
    /// The client that the token was made for.
    pub client: Option<String>,
    /// What this person has subscribed to.
    pub tier: Tier,
    permissions: Permissions,
}

impl Bearer {
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

/// The claims of Keycloak's access tokens.
#[derive(Deserialize)]
struct AccessClaims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: i64,
    iat: i64,
    #[serde(default, deserialize_with = "number")]
    nbf: Option<i64>,
    /// What tells an access token from every other token of Keycloak.
    typ: String,
    azp: Option<String>,
    sid: Option<String>,
    preferred_username: Option<String>,
    name: Option<String>,
    email: Option<String>,
    #[serde(default)]
    email_verified: bool,
    locale: Option<String>,
    #[serde(flatten)]
    grants: Grants,
}

impl AccessClaims {
    fn check(&self, typ: Option<&str>, issuer: &str) -> Result<(), IdentityError> {
        if !matches!(typ, None | Some("jwt" | "at+jwt")) || self.typ != "Bearer" {
            return Err(unverified("not an access token"));
        }
        if self.iss != issuer {
            return Err(unverified("iss is not our realm"));
        }
        if !self.aud.contains(API_AUDIENCE) {
            return Err(unverified("aud is not our API"));
        }
        if self.sub.is_empty() {
            return Err(unverified("sub is empty"));
        }
        check_times(self.exp, self.iat, self.nbf)
    }
}

impl IdentityService {
    /// Who an access token speaks for, and what they might do when Keycloak made it, at most
    /// `accessTokenLifespan` ago (five minutes): whoever lets callers in compares that with
    /// [`Self::rights`]. It is no good once its session is known to have ended, or the account
    /// is closed here.
    ///
    /// Which client it was made for (`azp`) does not decide: the audience is ours only where
    /// an administrator of the realm gave that client our mapper. No token has it by itself,
    /// as there is no client of that name whose roles Keycloak could derive it from.
    ///
    /// # Errors
    /// [`IdentityError::Unverified`] for a token that is not a good one,
    /// [`IdentityError::Disabled`] where the account is closed; or where Keycloak's keys are
    /// not known yet, or Redis or the database is away.
    pub async fn bearer(&self, token: &str) -> Result<Bearer, IdentityError> {
        let Signed { typ, claims } = self.keycloak().open::<AccessClaims>(token).await?;
        claims.check(typ.as_deref(), &self.settings().issuer())?;
        if let Some(sid) = &claims.sid
            && self.sessions().has_ended(sid).await?
        {
            return Err(unverified("the token's session has ended"));
        }
        let person = Person::new(
            &claims.iss,
            &claims.sub,
            claims.preferred_username.as_deref(),
            claims.name.as_deref(),
            claims.email,
            claims.email_verified,
            claims.locale,
        );
        let (user, tier) = users::of_token(self.pool(), &person).await?;
        let roles = claims.grants.roles(&self.settings().client_id);
        Ok(Bearer {
            user,
            username: person.username,
            permissions: Permissions::of_roles(roles.iter().map(String::as_str)),
            groups: claims.grants.groups,
            client: claims.azp,
            tier,
        })
    }
}
