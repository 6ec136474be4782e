//! Keycloak tells that a session has ended (OpenID Connect Back-Channel Logout 1.0).

use std::time::Duration;

use onelastai_db::{Actor, Origin};
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::{
    IdentityError, IdentityService,
    ending::Ending,
    keycloak::{Audience, LEEWAY, Signed, check_times, now, number, unverified},
    session::EndReason,
    store::Which,
    users,
};

/// The event that makes a token a logout token.
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// No logout token is good for longer, in seconds: its id must be remembered for as long.
const LONGEST: i64 = 86_400;

/// The claims of a logout token (2.4).
#[derive(Deserialize)]
struct LogoutClaims {
    iss: String,
    sub: Option<String>,
    aud: Audience,
    iat: i64,
    exp: i64,
    #[serde(default, deserialize_with = "number")]
    nbf: Option<i64>,
    jti: String,
    events: Map<String, Value>,
    sid: Option<String>,
    /// Keycloak's own mark of what a token is for.
    typ: Option<String>,
    #[serde(default, deserialize_with = "present")]
    nonce: bool,
}

/// A claim that is there, even with `null` in it.
fn present<'de, D: serde::Deserializer<'de>>(value: D) -> Result<bool, D::Error> {
    Value::deserialize(value).map(|_| true)
}

impl LogoutClaims {
    /// The checks of section 2.6, but for the signature and the id.
    fn check(&self, typ: Option<&str>, issuer: &str, client: &str) -> Result<(), IdentityError> {
        if !matches!(typ, None | Some("jwt" | "logout+jwt")) {
            return Err(unverified("the header's typ is not that of a logout token"));
        }
        if !matches!(self.typ.as_deref(), None | Some("Logout")) {
            return Err(unverified("typ is not that of a logout token"));
        }
        if self.iss != issuer {
            return Err(unverified("iss is not our realm"));
        }
        if !self.aud.contains(client) {
            return Err(unverified("aud is not our client"));
        }
        check_times(self.exp, self.iat, self.nbf)?;
        if self.exp.saturating_sub(now()) > LONGEST {
            return Err(unverified("exp is too far ahead"));
        }
        if !self.events.get(EVENT).is_some_and(Value::is_object) {
            return Err(unverified("events has no back-channel logout"));
        }
        if self.nonce {
            return Err(unverified("a logout token has no nonce"));
        }
        let named = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.is_empty());
        if !named(&self.sub) && !named(&self.sid) {
            return Err(unverified("neither sub nor sid"));
        }
        if self.jti.is_empty() {
            return Err(unverified("jti is empty"));
        }
        Ok(())
    }
}

impl IdentityService {
    /// Takes a logout token from Keycloak and ends what it names, on all hosts and replicas.
    /// How many sessions of ours that were; none is no error.
    ///
    /// # Errors
    /// [`IdentityError::Unverified`] for a token that is not a good one, or was used before:
    /// the answer to that is 400 (2.8). Any other error is ours, and the token may come again.
    pub async fn back_channel_logout(
        &self,
        logout_token: &str,
        origin: &Origin,
    ) -> Result<u64, IdentityError> {
        let Signed { typ, claims } = self.keycloak().open::<LogoutClaims>(logout_token).await?;
        let settings = self.settings();
        claims.check(typ.as_deref(), &settings.issuer(), &settings.client_id)?;
        let used = format!(
            "onelastai:logout-token:{}",
            hex(&Sha256::digest(claims.jti.as_bytes()))
        );
        let left = claims
            .exp
            .saturating_add(LEEWAY)
            .saturating_sub(now())
            .max(1);
        let left = Duration::from_secs(left.unsigned_abs());
        if !self.sessions().once(&used, "1", left).await? {
            return Err(unverified("this logout token was used before"));
        }
        let ended = self.end_named(&claims, origin).await;
        if ended.is_err() {
            // It did not work: Keycloak, or a person, may try again.
            self.sessions().forget(&used).await?;
        }
        ended
    }

    async fn end_named(
        &self,
        claims: &LogoutClaims,
        origin: &Origin,
    ) -> Result<u64, IdentityError> {
        let ending = Ending {
            reason: EndReason::BackChannel,
            actor: Some(Actor::Program("Keycloak's back-channel logout")),
            origin,
        };
        let which = match (&claims.sid, &claims.sub) {
            (Some(sid), subject) => {
                // Both must fit where both are named.
                let facts = self.sessions().facts(sid).await?;
                if let (Some(facts), Some(subject)) = (facts, subject)
                    && facts.subject != *subject
                {
                    return Err(unverified("sid is not a session of sub"));
                }
                Which::Sid(sid)
            }
            (None, Some(subject)) => {
                match users::by_subject(self.pool(), &claims.iss, subject).await? {
                    Some(user) => Which::Person(user, None),
                    None => return Ok(0),
                }
            }
            (None, None) => return Err(unverified("neither sub nor sid")),
        };
        Ok(self.end_all(which, &ending).await?.0)
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
