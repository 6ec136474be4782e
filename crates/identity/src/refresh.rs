//! Facts about a person go stale: roles are taken away, people leave. Every so often the next
//! request has Keycloak asked again, once however many requests and replicas there are.
//!
//! | age of the facts | what a request does |
//! |---|---|
//! | under [`EARLY`] | goes on |
//! | up to [`LIMIT`] | has Keycloak asked, and goes on |
//! | more | has Keycloak asked, and waits for the answer, at most [`WAIT`] |
//!
//! While Keycloak can't be asked, people go on with what was known for [`GRACE`] more; then
//! requests are refused as unavailable. Their sessions don't end by that: once Keycloak is
//! back they go on. A refresh token is good once, so the request to Keycloak is a task of its
//! own, which no browser that hangs up can cut off. If this process dies between Keycloak's
//! answer and the note of it in Redis, or the answer is lost on the way, Keycloak's session
//! is lost too and its person signs in again.

use std::time::Duration;

use onelastai_db::{Actor, Origin};

use crate::{
    IdentityError, IdentityService, Secret,
    ending::Ending,
    keycloak::{Refreshed, Renewed, Told},
    session::{EndReason, Facts, KeptTokens},
    store::Which,
    users,
};

/// From this age on somebody asks, in milliseconds.
const EARLY: i64 = 45_000;
/// The age from which on nobody goes on without an answer, in milliseconds.
const LIMIT: i64 = 60_000;
/// How much older facts may get while Keycloak is away, in milliseconds.
const GRACE: i64 = 300_000;
/// After a failure Keycloak is left alone for so long, in milliseconds.
const PAUSE: i64 = 5_000;
/// For so long after a failure requests don't wait for the next attempt, in milliseconds.
const AFTERMATH: i64 = 30_000;
/// How long a request waits for an answer.
const WAIT: Duration = Duration::from_secs(3);
/// How often it looks whether there is one.
const LOOK: Duration = Duration::from_millis(40);
/// How often the result is written before it is given up.
const ATTEMPTS: u32 = 20;

/// The time now, in milliseconds since 1970.
pub(crate) fn now_millis() -> i64 {
    i64::try_from(time::OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000)
        .unwrap_or(i64::MAX)
}

impl Facts {
    fn age(&self) -> i64 {
        now_millis().saturating_sub(self.checked_at)
    }

    fn failed_within(&self, milliseconds: i64) -> bool {
        self.failed_at
            .is_some_and(|failed| now_millis().saturating_sub(failed) < milliseconds)
    }

    fn left_alone(&self) -> bool {
        self.failed_within(PAUSE)
    }
}

impl IdentityService {
    /// The facts, fresh enough to go by; nothing where the session has ended.
    pub(crate) async fn fresh(
        &self,
        sid: &str,
        facts: Facts,
    ) -> Result<Option<Facts>, IdentityError> {
        if facts.age() < EARLY {
            return Ok(Some(facts));
        }
        if !facts.left_alone()
            && let Some(lock) = self.sessions().lock(sid).await?
        {
            let (service, sid) = (self.clone(), sid.to_owned());
            tokio::spawn(async move { service.refresh(&sid, &lock).await });
        }
        if facts.age() < LIMIT {
            return Ok(Some(facts));
        }
        // Keycloak was away a moment ago: no need for everybody to wait that out, as long as
        // what is known is good enough, or is not going to get better.
        let known =
            facts.left_alone() || facts.failed_within(AFTERMATH) && facts.age() < LIMIT + GRACE;
        let facts = if known {
            Some(facts)
        } else {
            self.answer(sid, facts).await?
        };
        match facts {
            Some(facts) if facts.age() >= LIMIT + GRACE => Err(IdentityError::KeycloakUnavailable(
                "nobody knows what this person may do now".to_owned(),
            )),
            other => Ok(other),
        }
    }

    /// Waits until somebody's refresh has come to something.
    async fn answer(&self, sid: &str, before: Facts) -> Result<Option<Facts>, IdentityError> {
        let deadline = tokio::time::Instant::now() + WAIT;
        loop {
            tokio::time::sleep(LOOK).await;
            match self.sessions().facts(sid).await? {
                Some(facts)
                    if facts.checked_at == before.checked_at
                        && facts.failed_at == before.failed_at
                        && tokio::time::Instant::now() < deadline => {}
                other => return Ok(other),
            }
        }
    }

    /// Asks Keycloak, as the holder of the lock.
    async fn refresh(&self, sid: &str, lock: &Secret) {
        if let Err(error) = self.try_refresh(sid, lock).await {
            tracing::error!(%error, "a session could not be refreshed");
        }
    }

    async fn try_refresh(&self, sid: &str, lock: &Secret) -> Result<(), IdentityError> {
        let store = self.sessions();
        // Read under the lock: another may have refreshed since this one looked.
        let (Some(facts), Some(tokens)) = (store.facts(sid).await?, store.tokens(sid).await?)
        else {
            return Ok(());
        };
        if facts.age() < EARLY || facts.left_alone() {
            store.settle(sid, lock, &facts, None).await?;
            return Ok(());
        }
        let failed = |error: IdentityError| {
            tracing::warn!(%error, "Keycloak could not be asked again about a person");
            Facts {
                failed_at: Some(now_millis()),
                ..facts.clone()
            }
        };
        let asked_at = now_millis();
        match self.keycloak().refresh(&tokens.refresh_token).await {
            Refreshed::Over(reason) => {
                // Unless a new sign-in to the same Keycloak session came in between.
                if store.settle(sid, lock, &facts, None).await? {
                    self.end_refreshed(sid, reason).await?;
                }
                Ok(())
            }
            Refreshed::Unknown(error) => {
                store.settle(sid, lock, &failed(error), None).await?;
                Ok(())
            }
            Refreshed::Renewed(renewed) => {
                let Renewed {
                    told,
                    refresh_token,
                } = *renewed;
                let told = told.and_then(|(told, id_token)| {
                    same_session(sid, &facts, &told).map(|()| (told, id_token))
                });
                let (facts, id_token) = match told {
                    Ok((told, id_token)) => {
                        if self.is_closed(&facts, &told).await {
                            return self.end_refreshed(sid, EndReason::Disabled).await;
                        }
                        (Facts::new(facts.user, &told, asked_at), id_token)
                    }
                    Err(error) => (failed(error), tokens.id_token),
                };
                let tokens = KeptTokens {
                    id_token,
                    refresh_token,
                };
                self.keep_refreshed(sid, lock, &facts, &tokens).await
            }
        }
    }

    /// Brings the account up to date; tells whether it is closed. What fails here is made
    /// good by the next refresh.
    async fn is_closed(&self, facts: &Facts, told: &Told) -> bool {
        users::refresh(self.pool(), facts.user, told)
            .await
            .unwrap_or_else(|error| {
                tracing::warn!(%error, "an account could not be brought up to date");
                false
            })
    }

    /// The old refresh token is spent: the new one must not get lost because Redis is away
    /// for a moment.
    async fn keep_refreshed(
        &self,
        sid: &str,
        lock: &Secret,
        facts: &Facts,
        tokens: &KeptTokens,
    ) -> Result<(), IdentityError> {
        let mut attempt = 1;
        loop {
            match self.sessions().settle(sid, lock, facts, Some(tokens)).await {
                Ok(_) => return Ok(()),
                Err(error) if attempt >= ATTEMPTS => return Err(error),
                Err(_) => tokio::time::sleep(Duration::from_millis(250)).await,
            }
            attempt += 1;
        }
    }

    async fn end_refreshed(&self, sid: &str, reason: EndReason) -> Result<(), IdentityError> {
        let ending = Ending {
            reason,
            actor: Some(Actor::Program("Keycloak's answer to a refresh")),
            origin: &Origin::default(),
        };
        self.end_all(Which::Sid(sid), &ending).await?;
        Ok(())
    }
}

/// A refreshed ID token must be of the same person and session (OpenID Connect Core, 12.2).
fn same_session(sid: &str, facts: &Facts, told: &Told) -> Result<(), IdentityError> {
    if told.sid == sid && told.person.subject == facts.subject {
        Ok(())
    } else {
        Err(IdentityError::Unverified(
            "the refreshed ID token is of somebody else".to_owned(),
        ))
    }
}
