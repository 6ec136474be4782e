//! Sessions: a record in Redis under the hash of the token that the browser holds.

use std::time::Duration;

use onelastai_types::{UserId, UserSessionId};
use redis::{AsyncCommands, aio::ConnectionManager};
use serde::{Deserialize, Serialize};

use crate::{IdentityError, Secret, keycloak::Pending};

/// A sign-in that began is forgotten after this long.
const SIGN_IN_PATIENCE: Duration = Duration::from_secs(600);

/// A message that was not taken is kept for this long.
const DRAFT_PATIENCE: Duration = Duration::from_secs(600);

/// Somebody who is signed in.
#[derive(Debug, Clone, Serialize, Deserialize)]
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
    /// Keycloak's realm roles.
    pub roles: Vec<String>,
    /// The host it is good for; a cookie that turns up elsewhere is nobody's.
    pub host: String,
    /// For signing out of Keycloak too.
    pub(crate) id_token: Secret,
    pub(crate) refresh_token: Option<Secret>,
}

/// The sessions and the sign-ins under way.
#[derive(Clone)]
pub(crate) struct SessionStore {
    connection: ConnectionManager,
}

fn session_key(token: &Secret) -> String {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    format!("onelastai:session:{}", URL_SAFE_NO_PAD.encode(token.hash()))
}

fn draft_key(session: UserSessionId, place: &str) -> String {
    format!("onelastai:draft:{session}:{place}")
}

fn pending_key(state: &str) -> String {
    format!("onelastai:sign-in:{state}")
}

impl SessionStore {
    pub(crate) fn new(connection: ConnectionManager) -> Self {
        Self { connection }
    }

    pub(crate) async fn put(
        &self,
        token: &Secret,
        session: &Session,
        lifetime: Duration,
    ) -> Result<(), IdentityError> {
        self.write(&session_key(token), session, lifetime).await
    }

    pub(crate) async fn get(&self, token: &Secret) -> Result<Option<Session>, IdentityError> {
        let json: Option<String> = self.connection.clone().get(session_key(token)).await?;
        // A record that an older version wrote and this one can't read: sign in again.
        Ok(json.and_then(|json| serde_json::from_str(&json).ok()))
    }

    pub(crate) async fn remove(&self, token: &Secret) -> Result<Option<Session>, IdentityError> {
        let json: Option<String> = self.connection.clone().get_del(session_key(token)).await?;
        Ok(json.and_then(|json| serde_json::from_str(&json).ok()))
    }

    pub(crate) async fn put_pending(
        &self,
        state: &str,
        pending: &Pending,
    ) -> Result<(), IdentityError> {
        self.write(&pending_key(state), pending, SIGN_IN_PATIENCE)
            .await
    }

    /// Takes it out: a sign-in comes back once.
    pub(crate) async fn take_pending(&self, state: &str) -> Result<Option<Pending>, IdentityError> {
        let json: Option<String> = self.connection.clone().get_del(pending_key(state)).await?;
        Ok(json.and_then(|json| serde_json::from_str(&json).ok()))
    }

    pub(crate) async fn put_draft(
        &self,
        session: UserSessionId,
        place: &str,
        text: &str,
    ) -> Result<(), IdentityError> {
        let key = draft_key(session, place);
        let mut connection = self.connection.clone();
        Ok(connection
            .set_ex(key, text, DRAFT_PATIENCE.as_secs())
            .await?)
    }

    pub(crate) async fn draft(
        &self,
        session: UserSessionId,
        place: &str,
    ) -> Result<Option<String>, IdentityError> {
        Ok(self
            .connection
            .clone()
            .get(draft_key(session, place))
            .await?)
    }

    pub(crate) async fn remove_draft(
        &self,
        session: UserSessionId,
        place: &str,
    ) -> Result<(), IdentityError> {
        Ok(self
            .connection
            .clone()
            .del(draft_key(session, place))
            .await?)
    }

    async fn write(
        &self,
        key: &str,
        value: &impl Serialize,
        lifetime: Duration,
    ) -> Result<(), IdentityError> {
        let json = serde_json::to_string(value)
            .map_err(|error| IdentityError::Unverified(error.to_string()))?;
        Ok(self
            .connection
            .clone()
            .set_ex(key, json, lifetime.as_secs())
            .await?)
    }
}
