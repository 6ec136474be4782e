//! Ending sessions: in Redis first, in one step, so that no cookie works any more; then in
//! `user_sessions` and the audit log. Where the database is away by then the sweep makes good
//! for it (`sweep.rs`): what is not noted as it was is noted as having run out.

use onelastai_db::{Actor, Origin};
use onelastai_types::{UserId, UserSessionId};
use url::Url;

use crate::{
    IdentityError, IdentityService, Secret, Session,
    session::{EndReason, KeptTokens, Record},
    store::{Which, hash_text},
    user_sessions,
};

/// Why, by whom and from where.
pub(crate) struct Ending<'a> {
    pub reason: EndReason,
    /// Nobody: the person whose session it is.
    pub actor: Option<Actor>,
    pub origin: &'a Origin,
}

impl IdentityService {
    /// Ends all sessions of this browser at once, on all hosts and replicas, and tells where
    /// the browser must go to end Keycloak's own.
    ///
    /// # Errors
    /// Where Redis or the database is away.
    pub async fn sign_out(
        &self,
        token: &Secret,
        origin: &Origin,
    ) -> Result<Option<Url>, IdentityError> {
        let Some(record) = self.sessions().session(&hash_text(token)).await? else {
            return Ok(None);
        };
        let ending = Ending {
            reason: EndReason::SignOut,
            actor: None,
            origin,
        };
        let (_, tokens) = self.end_all(Which::Sid(&record.sid), &ending).await?;
        match tokens.first() {
            Some(tokens) => Ok(self.keycloak().end_session_url(&tokens.id_token).await),
            None => Ok(None),
        }
    }

    /// Ends a session of `user` and all others of the same browser, here and at Keycloak. A
    /// session of somebody else is not found.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`]; or where Redis or the database is away.
    pub async fn end_session(
        &self,
        user: UserId,
        session: UserSessionId,
        actor: Actor,
        origin: &Origin,
    ) -> Result<u64, IdentityError> {
        let sid = user_sessions::sid_of(self.pool(), user, session)
            .await?
            .ok_or(IdentityError::NotFound)?;
        let ending = Ending {
            reason: EndReason::Revoked,
            actor: Some(actor),
            origin,
        };
        self.end_everywhere(Which::Sid(&sid), &ending).await
    }

    /// Ends the sessions that this person has in other browsers, here and at Keycloak. How
    /// many.
    ///
    /// # Errors
    /// Where Redis or the database is away.
    pub async fn end_other_sessions(
        &self,
        session: &Session,
        origin: &Origin,
    ) -> Result<u64, IdentityError> {
        let ending = Ending {
            reason: EndReason::Revoked,
            actor: None,
            origin,
        };
        let which = Which::Person(session.user, Some(&session.sid));
        self.end_everywhere(which, &ending).await
    }

    /// As [`Self::end_all`], and at Keycloak: without that, the other browser would be signed
    /// in again without a question.
    pub(crate) async fn end_everywhere(
        &self,
        which: Which<'_>,
        ending: &Ending<'_>,
    ) -> Result<u64, IdentityError> {
        let (ended, tokens) = self.end_all(which, ending).await?;
        for tokens in tokens {
            if let Err(error) = self.keycloak().end(&tokens.refresh_token).await {
                tracing::warn!(%error, "a session was ended here but not at Keycloak");
            }
        }
        Ok(ended)
    }

    /// Ends sessions, with a line in the audit log for each. How many, and the tokens of
    /// their Keycloak sessions.
    pub(crate) async fn end_all(
        &self,
        which: Which<'_>,
        ending: &Ending<'_>,
    ) -> Result<(u64, Vec<KeptTokens>), IdentityError> {
        let gone = self.sessions().end(which, ending.reason).await?;
        let ended = match which {
            Which::Sid(sid) => {
                user_sessions::end_keycloak_session(self.pool(), sid, ending).await?
            }
            Which::Person(user, spared) => {
                user_sessions::end_sessions_of(self.pool(), user, spared, ending).await?
            }
        };
        let tokens = gone.into_iter().filter_map(|(_, tokens)| tokens).collect();
        Ok((ended, tokens))
    }

    /// Ends what a browser had before it signed in as `sid`: its session, and the others of
    /// that Keycloak session unless it goes on.
    pub(crate) async fn replace(
        &self,
        token: &Secret,
        sid: &str,
        origin: &Origin,
    ) -> Result<(), IdentityError> {
        let hash = hash_text(token);
        let Some(Record { id, sid: old, .. }) = self.sessions().session(&hash).await? else {
            return Ok(());
        };
        let ending = Ending {
            reason: EndReason::Replaced,
            actor: None,
            origin,
        };
        if old != sid {
            self.end_all(Which::Sid(&old), &ending).await?;
            return Ok(());
        }
        if let Some(facts) = self.sessions().facts(&old).await? {
            self.sessions().leave(&hash, &old, facts.user).await?;
        }
        user_sessions::end_one(self.pool(), id, &ending).await?;
        Ok(())
    }
}
