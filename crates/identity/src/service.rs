//! Signing in, and who is at the other end of a request.

use std::{sync::Arc, time::Duration};

use onelastai_db::{Origin, PgPool};
use onelastai_types::UserSessionId;
use redis::aio::ConnectionManager;
use time::OffsetDateTime;
use url::Url;

use crate::{
    IdentityError, KeycloakSettings, Secret, Session,
    ending::Ending,
    keycloak::{Keycloak, Pending},
    refresh::now_millis,
    return_to::safe_return_to,
    session::{EndReason, Facts, KeptTokens, Record},
    store::{SessionStore, hash_text},
    user_sessions,
    users::{self, NewSession},
};

/// A sign-in that goes to Keycloak.
#[derive(Debug)]
pub struct SignIn {
    /// Where to send the browser.
    pub url: Url,
    /// To be kept in a cookie of this browser: a sign-in that comes back to another
    /// browser is refused.
    pub state: String,
}

/// What Keycloak sends the browser back with.
#[derive(Debug)]
pub struct Callback {
    /// The code to trade in.
    pub code: String,
    /// The state from the address.
    pub state: String,
    /// The state from this browser's cookie.
    pub state_of_browser: Option<String>,
    /// A session that this browser already had; it ends.
    pub replaced: Option<Secret>,
    /// From where.
    pub origin: Origin,
}

/// A sign-in that went well.
#[derive(Debug)]
pub struct SignedIn {
    /// What the browser gets, once.
    pub token: Secret,
    /// How long it is good for.
    pub lifetime: Duration,
    /// The page to go to; one of ours.
    pub return_to: String,
}

/// Signing in and out, and who is at the other end of a request. Clones share everything.
#[derive(Clone)]
pub struct IdentityService(Arc<Inner>);

struct Inner {
    keycloak: Keycloak,
    sessions: SessionStore,
    pool: PgPool,
    lifetime: Duration,
}

impl IdentityService {
    /// With Keycloak, PostgreSQL and Redis. `lifetime`: how long a session lasts.
    ///
    /// # Errors
    /// Where no HTTP client can be made.
    pub fn new(
        keycloak: KeycloakSettings,
        pool: PgPool,
        redis: ConnectionManager,
        lifetime: Duration,
    ) -> Result<Self, IdentityError> {
        Ok(Self(Arc::new(Inner {
            keycloak: Keycloak::new(keycloak)?,
            sessions: SessionStore::new(redis),
            pool,
            lifetime,
        })))
    }

    pub(crate) fn keycloak(&self) -> &Keycloak {
        &self.0.keycloak
    }

    pub(crate) fn sessions(&self) -> &SessionStore {
        &self.0.sessions
    }

    pub(crate) fn pool(&self) -> &PgPool {
        &self.0.pool
    }

    /// Where Keycloak is and who we are to it.
    #[must_use]
    pub fn settings(&self) -> &KeycloakSettings {
        &self.0.keycloak.settings
    }

    /// Begins a sign-in that ends at `return_to`, if that is a page of ours.
    ///
    /// # Errors
    /// Where Keycloak or Redis is away.
    pub async fn begin_sign_in(&self, return_to: Option<&str>) -> Result<SignIn, IdentityError> {
        let return_to = safe_return_to(&self.settings().base_url, return_to);
        let (url, state, pending) = self.0.keycloak.begin(return_to).await?;
        self.0.sessions.put_pending(&state, &pending).await?;
        Ok(SignIn { url, state })
    }

    /// Ends a sign-in with a session.
    ///
    /// # Errors
    /// [`IdentityError::SignInExpired`] where it was not begun by this browser, or too long
    /// ago, or comes back a second time.
    pub async fn finish_sign_in(&self, callback: Callback) -> Result<SignedIn, IdentityError> {
        if callback.state_of_browser.as_deref() != Some(callback.state.as_str()) {
            return Err(IdentityError::SignInExpired);
        }
        let pending: Pending = self
            .0
            .sessions
            .take_pending(&callback.state)
            .await?
            .ok_or(IdentityError::SignInExpired)?;
        let tokens = self.0.keycloak.finish(callback.code, &pending).await?;
        let token = Secret::random();
        let hash = hash_text(&token);
        let expires_at = OffsetDateTime::now_utc() + self.0.lifetime;
        let host = self
            .settings()
            .base_url
            .host_str()
            .unwrap_or_default()
            .to_owned();
        let noted = NewSession {
            keycloak_session: &tokens.told.sid,
            host: &host,
            token_hash: token.hash(),
            expires_at,
            origin: &callback.origin,
        };
        let (user, id) = users::sign_in(&self.0.pool, &tokens.told, &noted).await?;
        let record = Record {
            id,
            sid: tokens.told.sid.clone(),
            host,
            expires_at,
        };
        let facts = Facts::new(user, &tokens.told, now_millis());
        let kept = KeptTokens {
            id_token: tokens.id_token,
            refresh_token: tokens.refresh_token,
        };
        let sessions = &self.0.sessions;
        if !sessions
            .open(&hash, &record, &facts, &kept, self.0.lifetime)
            .await?
        {
            let ending = Ending {
                reason: EndReason::BackChannel,
                actor: None,
                origin: &callback.origin,
            };
            user_sessions::end_one(&self.0.pool, id, &ending).await?;
            return Err(IdentityError::SignInExpired);
        }
        if let Some(old) = callback.replaced {
            self.replace(&old, &record.sid, &callback.origin).await?;
        }
        Ok(SignedIn {
            token,
            lifetime: self.0.lifetime,
            return_to: pending.return_to,
        })
    }

    /// Who holds this token, at this host, by what Keycloak said within the last minute.
    ///
    /// # Errors
    /// Where Redis is away: then nobody knows, and nobody is let in. Where Keycloak has been
    /// away for minutes: then nobody knows what this person may still do.
    pub async fn session(
        &self,
        token: &Secret,
        host: &str,
    ) -> Result<Option<Session>, IdentityError> {
        let hash = hash_text(token);
        let sessions = &self.0.sessions;
        let Some(record) = sessions.session(&hash).await?.filter(|it| it.host == host) else {
            return Ok(None);
        };
        let Some((facts, first_in_a_while)) = sessions.facts_seen(&record).await? else {
            return Ok(None);
        };
        if first_in_a_while {
            let (pool, id) = (self.0.pool.clone(), record.id);
            // Nobody waits for it.
            tokio::spawn(async move {
                if let Err(error) = user_sessions::seen(&pool, id).await {
                    tracing::warn!(%error, "could not note that a session was used");
                }
            });
        }
        let facts = self.fresh(&record.sid, facts).await?;
        Ok(facts.map(|facts| Session::new(record, facts, hash)))
    }

    /// Keeps what was written at `place` and could not be taken, for ten minutes: without
    /// script the browser itself has forgotten it by the time it shows why.
    ///
    /// # Errors
    /// Where Redis is away.
    pub async fn keep_draft(
        &self,
        session: UserSessionId,
        place: &str,
        text: &str,
    ) -> Result<(), IdentityError> {
        self.0.sessions.put_draft(session, place, text).await
    }

    /// What [`Self::keep_draft`] kept.
    ///
    /// # Errors
    /// Where Redis is away.
    pub async fn draft(
        &self,
        session: UserSessionId,
        place: &str,
    ) -> Result<Option<String>, IdentityError> {
        self.0.sessions.draft(session, place).await
    }

    /// Forgets it: it was sent.
    ///
    /// # Errors
    /// Where Redis is away.
    pub async fn forget_draft(
        &self,
        session: UserSessionId,
        place: &str,
    ) -> Result<(), IdentityError> {
        self.0.sessions.remove_draft(session, place).await
    }
}
