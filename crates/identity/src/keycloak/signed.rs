//! Tokens that Keycloak signed and others hand in: JSON Web Signature (RFC 7515) with the
//! care that RFC 8725 asks for.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use openidconnect::{JsonWebKey, core::CoreJwsSigningAlgorithm};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};

use super::{Keycloak, oidc::ALGORITHMS};
use crate::IdentityError;

/// The longest token that is looked at, in bytes.
const LONGEST: usize = 16 * 1024;

/// How far clocks may be apart, in seconds.
pub(crate) const LEEWAY: i64 = 30;

/// A token whose signature is good; what it claims is still to be checked.
pub(crate) struct Signed<T> {
    /// The header's media type, in lower case and without `application/`.
    pub typ: Option<String>,
    pub claims: T,
}

/// Only these are read: keys that a token brings along or points to (`jwk`, `jku`, `x5c`,
/// `x5u`) are nobody's.
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: String,
    typ: Option<String>,
    crit: Option<serde_json::Value>,
}

struct Parts<'a> {
    header: Header,
    algorithm: CoreJwsSigningAlgorithm,
    /// What was signed.
    signed: &'a str,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

pub(crate) fn unverified(why: &str) -> IdentityError {
    IdentityError::Unverified(why.to_owned())
}

impl<'a> Parts<'a> {
    fn take(token: &'a str) -> Result<Self, IdentityError> {
        if token.len() > LONGEST {
            return Err(unverified("the token is too long"));
        }
        let decode = |part: &str| {
            URL_SAFE_NO_PAD
                .decode(part)
                .map_err(|_| unverified("not base64url"))
        };
        let (signed, signature) = token
            .rsplit_once('.')
            .ok_or_else(|| unverified("not a JWT"))?;
        let (header, payload) = signed
            .split_once('.')
            .ok_or_else(|| unverified("not a JWT"))?;
        let header: Header = serde_json::from_slice(&decode(header)?)
            .map_err(|error| unverified(&format!("the token's header: {error}")))?;
        // RFC 7515, 4.1.11: what must be understood and isn't makes it invalid.
        if header.crit.is_some() {
            return Err(unverified("the token's header has crit"));
        }
        let algorithm = ALGORITHMS
            .into_iter()
            .find(|(name, _)| *name == header.alg)
            .map(|(_, algorithm)| algorithm)
            .ok_or_else(|| unverified("signed with an algorithm that is not allowed"))?;
        Ok(Self {
            header,
            algorithm,
            signed,
            payload: decode(payload)?,
            signature: decode(signature)?,
        })
    }
}

impl Keycloak {
    /// Opens a token that the realm signed.
    ///
    /// # Errors
    /// [`IdentityError::Unverified`] for any other; [`IdentityError::KeycloakUnavailable`]
    /// where the realm's keys are not known yet.
    pub(crate) async fn open<T: DeserializeOwned>(
        &self,
        token: &str,
    ) -> Result<Signed<T>, IdentityError> {
        let parts = Parts::take(token)?;
        let mut known = self.discover().await?;
        if known.key(&parts.header.kid).is_none() {
            known = self.rediscover(&known).await?;
        }
        let key = known
            .key(&parts.header.kid)
            .ok_or_else(|| unverified("signed with a key that the realm does not have"))?;
        // This also refuses a key that is for another algorithm (RFC 8725, 3.1).
        key.verify_signature(&parts.algorithm, parts.signed.as_bytes(), &parts.signature)
            .map_err(|error| unverified(&error.to_string()))?;
        let claims = serde_json::from_slice(&parts.payload)
            .map_err(|error| unverified(&format!("the token's claims: {error}")))?;
        let typ = parts.header.typ.map(|typ| {
            let typ = typ.to_ascii_lowercase();
            typ.strip_prefix("application/")
                .map(str::to_owned)
                .unwrap_or(typ)
        });
        Ok(Signed { typ, claims })
    }
}

/// `aud`: one or several (RFC 7519, 4.1.3).
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    pub(crate) fn contains(&self, who: &str) -> bool {
        match self {
            Self::One(one) => one == who,
            Self::Several(several) => several.iter().any(|one| one == who),
        }
    }
}

/// A number where the claim is there at all: `null` or a text is refused, not taken for
/// absent (as in CVE-2026-25537).
pub(crate) fn number<'de, D: Deserializer<'de>>(value: D) -> Result<Option<i64>, D::Error> {
    i64::deserialize(value).map(Some)
}

/// The time now, in seconds since 1970.
pub(crate) fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_secs()).ok())
        .unwrap_or(i64::MAX)
}

/// Whether a token is good now (RFC 7519, 4.1.4 to 4.1.6).
pub(crate) fn check_times(exp: i64, iat: i64, nbf: Option<i64>) -> Result<(), IdentityError> {
    let now = now();
    if exp.saturating_add(LEEWAY) <= now {
        return Err(unverified("the token has expired"));
    }
    if iat.saturating_sub(LEEWAY) > now || nbf.is_some_and(|nbf| nbf.saturating_sub(LEEWAY) > now) {
        return Err(unverified("the token is not good yet"));
    }
    Ok(())
}
