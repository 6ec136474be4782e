//! Somebody who is signed in.

use onelastai_types::{UserId, UserSessionId};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{Permission, Permissions, Secret, keycloak::Told};

/// Somebody who is signed in, here and now.
#[derive(Debug, Clone)]
pub struct Session {
    /// The row in `user_sessions`.
    pub id: UserSessionId,
    /// The person.
    pub user: UserId,
    /// Keycloak's username.
    pub username: String,
    /// The name to show.
    pub name: String,
    /// The address, where there is one.
    pub email: Option<String>,
    /// Keycloak's groups, as full paths such as `/staff/editors`.
    pub groups: Vec<String>,
    /// The host it is good for; a cookie that turns up elsewhere is nobody's.
    pub host: String,
    /// When it ends by itself.
    pub expires_at: OffsetDateTime,
    pub(crate) permissions: Permissions,
    /// Keycloak's session, which all sessions of one browser share.
    pub(crate) sid: String,
    /// Of the token, as the store writes it.
    pub(crate) hash: String,
}

impl Session {
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

    pub(crate) fn new(record: Record, facts: Facts, hash: String) -> Self {
        Self {
            id: record.id,
            user: facts.user,
            permissions: Permissions::of_roles(facts.roles.iter().map(String::as_str)),
            username: facts.username,
            name: facts.name,
            email: facts.email,
            groups: facts.groups,
            host: record.host,
            expires_at: record.expires_at,
            sid: record.sid,
            hash,
        }
    }
}

/// What is kept of one session.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Record {
    pub id: UserSessionId,
    pub sid: String,
    pub host: String,
    #[serde(with = "time::serde::timestamp")]
    pub expires_at: OffsetDateTime,
}

/// What is known of a person, kept once for each Keycloak session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Facts {
    pub user: UserId,
    /// Keycloak's id of the person.
    pub subject: String,
    pub username: String,
    pub name: String,
    pub email: Option<String>,
    pub roles: Vec<String>,
    pub groups: Vec<String>,
    /// When Keycloak last said so, in milliseconds since 1970.
    pub checked_at: i64,
    /// When it last could not be asked; gone once it could.
    pub failed_at: Option<i64>,
}

impl Facts {
    pub(crate) fn new(user: UserId, told: &Told, checked_at: i64) -> Self {
        Self {
            user,
            subject: told.person.subject.clone(),
            username: told.person.username.clone(),
            name: told.person.name.clone(),
            email: told.person.email.clone(),
            roles: told.roles.clone(),
            groups: told.groups.clone(),
            checked_at,
            failed_at: None,
        }
    }
}

/// Keycloak's tokens, kept once for each Keycloak session.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct KeptTokens {
    /// For signing out of Keycloak too.
    pub id_token: Secret,
    pub refresh_token: Secret,
}

/// Why a session ended, as `user_sessions.end_reason` has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EndReason {
    /// The person signed out.
    SignOut,
    /// Keycloak said so.
    BackChannel,
    /// Somebody ended it from elsewhere, or its tokens were used twice.
    Revoked,
    /// Keycloak's session was over.
    Expired,
    /// The same browser signed in again.
    Replaced,
    /// The account was closed, here or in Keycloak.
    Disabled,
}

impl EndReason {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::SignOut => "sign_out",
            Self::BackChannel => "back_channel",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
            Self::Replaced => "replaced",
            Self::Disabled => "disabled",
        }
    }

    /// Whether Keycloak's session can't come back. Otherwise it may: after a sign-out the
    /// browser need not follow to Keycloak's own page, and tokens may run out before the
    /// session does.
    pub(crate) fn is_final(self) -> bool {
        matches!(self, Self::BackChannel)
    }
}
