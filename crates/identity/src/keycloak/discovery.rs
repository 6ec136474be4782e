//! What Keycloak says about itself: its addresses and the keys that it signs with.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use openidconnect::{
    Client, ClientId, ClientSecret, IssuerUrl, JsonWebKey, RedirectUrl,
    core::{CoreJsonWebKey, CoreJsonWebKeySet},
};
use tokio::sync::{Mutex, RwLock};
use url::Url;

use super::{
    Keycloak, deepest,
    oidc::{Metadata, Oidc},
    unavailable,
};
use crate::IdentityError;

/// Keys are looked up anew after this long, so that one that was withdrawn is forgotten.
const LIFETIME: Duration = Duration::from_secs(600);

/// Between two look-ups at least so long: tokens with made-up key ids must not make us
/// flood Keycloak.
const PAUSE: Duration = Duration::from_secs(10);

/// What was found.
pub(super) struct Discovered {
    pub oidc: Oidc,
    pub end_session: Option<Url>,
    keys: CoreJsonWebKeySet,
    at: Instant,
}

impl Discovered {
    /// The realm's key of this id.
    pub(super) fn key(&self, kid: &str) -> Option<&CoreJsonWebKey> {
        self.keys
            .keys()
            .iter()
            .find(|key| key.key_id().is_some_and(|id| id.as_str() == kid))
    }
}

/// What is known so far. Nothing at first, so that we start even while Keycloak does not
/// run.
#[derive(Default)]
pub(super) struct Discovery {
    known: RwLock<Option<Arc<Discovered>>>,
    /// Held by the one who asks: many at once ask once. When it last happened.
    asked: Mutex<Option<Instant>>,
}

impl Keycloak {
    /// What Keycloak says about itself.
    pub(super) async fn discover(&self) -> Result<Arc<Discovered>, IdentityError> {
        let known = self.discovery.known.read().await.clone();
        match known {
            Some(known) if known.at.elapsed() < LIFETIME => Ok(known),
            Some(known) => match self.discovery.asked.try_lock() {
                // Somebody asks already: what we have is good enough meanwhile.
                Err(_) => Ok(known),
                Ok(mut asked) => self.ask_again(known, &mut asked).await,
            },
            None => {
                let mut asked = self.discovery.asked.lock().await;
                let known = self.discovery.known.read().await.clone();
                match known {
                    Some(known) => Ok(known),
                    None => self.ask(&mut asked).await,
                }
            }
        }
    }

    /// Looks again because `known` has not the key that a token was signed with; but not
    /// more often than every ten seconds.
    pub(super) async fn rediscover(
        &self,
        known: &Arc<Discovered>,
    ) -> Result<Arc<Discovered>, IdentityError> {
        let mut asked = self.discovery.asked.lock().await;
        let newest = self.discovery.known.read().await.clone();
        match newest {
            // Somebody else has looked while we waited for our turn.
            Some(newest) if newest.at > known.at => Ok(newest),
            _ => self.ask_again(known.clone(), &mut asked).await,
        }
    }

    async fn ask_again(
        &self,
        known: Arc<Discovered>,
        asked: &mut Option<Instant>,
    ) -> Result<Arc<Discovered>, IdentityError> {
        if asked.is_some_and(|at| at.elapsed() < PAUSE) {
            return Ok(known);
        }
        match self.ask(asked).await {
            Ok(fresh) => Ok(fresh),
            Err(error) => {
                tracing::warn!(%error, "Keycloak's keys could not be looked up again");
                Ok(known)
            }
        }
    }

    async fn ask(&self, asked: &mut Option<Instant>) -> Result<Arc<Discovered>, IdentityError> {
        *asked = Some(Instant::now());
        let issuer = IssuerUrl::new(self.settings.issuer()).map_err(unavailable)?;
        let metadata = Metadata::discover_async(issuer, &|request| self.carry(request))
            .await
            .map_err(|error| unavailable(deepest(&error)))?;
        let end_session = metadata
            .additional_metadata()
            .end_session_endpoint
            .as_ref()
            .map(|endpoint| endpoint.url().clone());
        let keys = metadata.jwks().clone();
        let oidc = Client::from_provider_metadata(
            metadata,
            ClientId::new(self.settings.client_id.clone()),
            Some(ClientSecret::new(
                self.settings.client_secret.expose().to_owned(),
            )),
        )
        .set_redirect_uri(RedirectUrl::new(self.settings.redirect_uri()).map_err(unavailable)?);
        let found = Arc::new(Discovered {
            oidc,
            end_session,
            keys,
            at: Instant::now(),
        });
        *self.discovery.known.write().await = Some(found.clone());
        Ok(found)
    }
}
