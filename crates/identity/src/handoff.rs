//! Handing a session to another host of ours: an agent's subdomain has a session of its own,
//! so that a cookie of one is useless at the other, but nobody signs in twice.
//!
//! The subdomain sets a cookie with a random nonce and sends the browser to the main host with
//! it; the main host, where the person is signed in, sends it back with a code. Whoever steals
//! the code has not the cookie; whoever plants a code of their own in another's browser has
//! not that browser's nonce.

use std::time::Duration;

use onelastai_db::Origin;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use time::OffsetDateTime;
use url::Url;

use crate::{
    IdentityError, IdentityService, Secret, Session, SignedIn,
    ending::Ending,
    return_to::safe_return_to,
    session::{EndReason, Record},
    store::hash_text,
    user_sessions,
    users::{self, NewSession},
};

/// A code is good for so long.
const PATIENCE: Duration = Duration::from_secs(30);

/// The shortest nonce that is taken: 128 bits in base64.
const SHORTEST_NONCE: usize = 22;
const LONGEST_NONCE: usize = 128;

#[derive(Serialize, Deserialize)]
struct Handoff {
    /// The hash of the parent's token.
    parent: String,
    sid: String,
    host: String,
    /// The hash of the nonce.
    nonce: String,
    return_to: String,
}

fn key(code: &Secret) -> String {
    format!("onelastai:handoff:{}", hash_text(code))
}

impl IdentityService {
    /// Makes a code that gives `host`, a subdomain of ours, a session for the person of
    /// `session`; good once, for 30 seconds, and only in the browser that holds `nonce`, which
    /// `host` made (at least 128 random bits) and keeps in a cookie. `return_to` is the page
    /// of `host` to end at. Whether there is something at `host` is for the caller to know.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`] where `host` is no subdomain of ours or the nonce is too
    /// short or too long; or where Redis is away.
    pub async fn begin_handoff(
        &self,
        session: &Session,
        host: &str,
        return_to: Option<&str>,
        nonce: &Secret,
    ) -> Result<Secret, IdentityError> {
        let base = self.address_of(host).ok_or(IdentityError::NotFound)?;
        if !(SHORTEST_NONCE..=LONGEST_NONCE).contains(&nonce.expose().len()) {
            return Err(IdentityError::NotFound);
        }
        let code = Secret::random();
        let handoff = Handoff {
            parent: session.hash.clone(),
            sid: session.sid.clone(),
            host: host.to_owned(),
            nonce: hash_text(nonce),
            return_to: safe_return_to(&base, return_to),
        };
        self.sessions()
            .keep(&key(&code), &handoff, PATIENCE)
            .await?;
        Ok(code)
    }

    /// Trades a code that came to `host` for a session of that host. It belongs to the same
    /// Keycloak session and ends with it, and lasts no longer than its parent would have.
    ///
    /// # Errors
    /// [`IdentityError::SignInExpired`] where the code is for another host or browser, too old
    /// or used, or the parent has ended; or where Redis or the database is away.
    pub async fn finish_handoff(
        &self,
        code: &Secret,
        host: &str,
        nonce_of_browser: Option<&Secret>,
        origin: &Origin,
    ) -> Result<SignedIn, IdentityError> {
        let refused = IdentityError::SignInExpired;
        // Taken out whatever comes: one attempt is all that a code is good for.
        let Some(handoff) = self.sessions().take::<Handoff>(&key(code)).await? else {
            return Err(refused);
        };
        let nonce = nonce_of_browser.map(hash_text).unwrap_or_default();
        let same_browser: bool = nonce.as_bytes().ct_eq(handoff.nonce.as_bytes()).into();
        if !same_browser || handoff.host != host {
            return Err(refused);
        }
        let parent = self.sessions().session(&handoff.parent).await?;
        let facts = self.sessions().facts(&handoff.sid).await?;
        let (Some(parent), Some(facts)) = (parent, facts) else {
            return Err(refused);
        };
        let Some(facts) = self.fresh(&handoff.sid, facts).await? else {
            return Err(refused);
        };
        let token = Secret::random();
        let noted = NewSession {
            keycloak_session: &handoff.sid,
            host,
            token_hash: token.hash(),
            expires_at: parent.expires_at,
            origin,
        };
        let id = users::hand_over(self.pool(), facts.user, facts.username, &noted).await?;
        let record = Record {
            id,
            sid: handoff.sid,
            host: host.to_owned(),
            expires_at: parent.expires_at,
        };
        let left = (parent.expires_at - OffsetDateTime::now_utc()).max(time::Duration::ZERO);
        let lifetime = left.unsigned_abs();
        if !self
            .sessions()
            .join(&hash_text(&token), &record, &handoff.parent, lifetime)
            .await?
        {
            let ending = Ending {
                reason: EndReason::Expired,
                actor: None,
                origin,
            };
            user_sessions::end_one(self.pool(), id, &ending).await?;
            return Err(refused);
        }
        Ok(SignedIn {
            token,
            lifetime,
            return_to: handoff.return_to,
        })
    }

    /// The address of a subdomain of ours, such as `chef.chat.example.com`.
    fn address_of(&self, host: &str) -> Option<Url> {
        let base = &self.settings().base_url;
        let label = host.strip_suffix(base.host_str()?)?.strip_suffix('.')?;
        // One label (RFC 1123, 2.1), in lower case as browsers send it.
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let good = (1..=63).contains(&label.len())
            && label.chars().all(fits)
            && !label.starts_with('-')
            && !label.ends_with('-');
        let mut address = base.clone();
        address.set_host(Some(host)).ok()?;
        good.then_some(address)
    }
}
