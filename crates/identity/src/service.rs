//! Signing in and out.

use std::{sync::Arc, time::Duration};

use onelastai_db::{Origin, PgPool};
use onelastai_types::UserSessionId;
use redis::aio::ConnectionManager;
use time::OffsetDateTime;
use url::Url;

use crate::{
    IdentityError, KeycloakSettings, Secret, Session,
    keycloak::{Claims, Keycloak, Pending},
    return_to::safe_return_to,
    session::SessionStore,
    users::{self, NewSession, Person},
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
        let person = person(&tokens.claims);
        let extra = tokens.claims.additional_claims().clone();
        let token = Secret::random();
        let host = self
            .settings()
            .base_url
            .host_str()
            .unwrap_or_default()
            .to_owned();
        let noted = NewSession {
            keycloak_session: extra.sid.as_deref(),
            host: &host,
            token_hash: token.hash(),
            expires_at: OffsetDateTime::now_utc() + self.0.lifetime,
            origin: &callback.origin,
        };
        let (user, id) = users::sign_in(&self.0.pool, &person, &noted).await?;
        let session = Session {
            id,
            user,
            username: person.username,
            name: person.name,
            email: person.email,
            roles: extra.realm_access.roles,
            host,
            id_token: tokens.id_token,
            refresh_token: tokens.refresh_token,
        };
        self.0
            .sessions
            .put(&token, &session, self.0.lifetime)
            .await?;
        if let Some(old) = callback.replaced {
            self.end(&old, "replaced", &callback.origin).await?;
        }
        Ok(SignedIn {
            token,
            lifetime: self.0.lifetime,
            return_to: pending.return_to,
        })
    }

    /// Who holds this token, at this host.
    ///
    /// # Errors
    /// Where Redis is away: then nobody knows, and nobody is let in.
    pub async fn session(
        &self,
        token: &Secret,
        host: &str,
    ) -> Result<Option<Session>, IdentityError> {
        let session = self.0.sessions.get(token).await?;
        Ok(session.filter(|session| session.host == host))
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

    /// Ends a session at once, and tells where the browser must go to end Keycloak's own.
    ///
    /// # Errors
    /// Where Redis or the database is away.
    pub async fn sign_out(
        &self,
        token: &Secret,
        origin: &Origin,
    ) -> Result<Option<Url>, IdentityError> {
        match self.end(token, "sign_out", origin).await? {
            Some(session) => Ok(self.0.keycloak.end_session_url(&session.id_token).await),
            None => Ok(None),
        }
    }

    async fn end(
        &self,
        token: &Secret,
        reason: &'static str,
        origin: &Origin,
    ) -> Result<Option<Session>, IdentityError> {
        let session = self.0.sessions.remove(token).await?;
        if let Some(session) = &session {
            users::end_session(&self.0.pool, session, reason, origin).await?;
        }
        Ok(session)
    }
}

fn person(claims: &Claims) -> Person {
    let username = claims
        .preferred_username()
        .map_or_else(|| claims.subject().as_str(), |name| name.as_str());
    let name = claims
        .name()
        .and_then(|name| name.get(None))
        .map(|name| name.trim())
        .filter(|name| !name.is_empty())
        .unwrap_or(username);
    Person {
        issuer: claims.issuer().to_string(),
        subject: claims.subject().to_string(),
        username: username.to_owned(),
        name: name.to_owned(),
        email: claims.email().map(|email| email.to_string()),
        email_verified: claims.email_verified().unwrap_or(false),
        locale: claims.locale().map(|locale| locale.to_string()),
    }
}
