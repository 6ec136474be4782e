//! The keys of engines at rest: XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03) under one key
//! that only the settings have, so that a copy of the database holds none.

use std::fmt;

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use onelastai_model_router::Secret;

/// How a sealed key begins, so that another way of sealing can follow.
const VERSION: u8 = 1;
const NONCE: usize = 24;

/// Seals keys and opens them again.
#[derive(Clone)]
pub struct Vault(XChaCha20Poly1305);

impl Vault {
    /// One with this key.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self(XChaCha20Poly1305::new(key.into()))
    }

    /// `None` only for what is too long to be sealed at all. Nonces are random; 192 bits are
    /// enough for any number of keys.
    pub(crate) fn seal(&self, model: &str, key: &Secret) -> Option<Vec<u8>> {
        let nonce: [u8; NONCE] = rand::random();
        let text = Payload {
            msg: key.expose().as_bytes(),
            // A sealed key that is moved to another model does not open.
            aad: model.as_bytes(),
        };
        let sealed = self.0.encrypt(&XNonce::from(nonce), text).ok()?;
        let mut bytes = Vec::with_capacity(1 + NONCE + sealed.len());
        bytes.push(VERSION);
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&sealed);
        Some(bytes)
    }

    /// `None` where it was sealed with another key, for another model, or was changed.
    pub(crate) fn open(&self, model: &str, sealed: &[u8]) -> Option<Secret> {
        let (&VERSION, rest) = sealed.split_first()? else {
            return None;
        };
        let (nonce, sealed) = rest.split_first_chunk::<NONCE>()?;
        let text = Payload {
            msg: sealed,
            aad: model.as_bytes(),
        };
        let text = self.0.decrypt(&XNonce::from(*nonce), text).ok()?;
        String::from_utf8(text).ok().map(Secret::from)
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_for_the_same_model_and_key_only() {
        let vault = Vault::new(&[7; 32]);
        let key = Secret::from("sk-canary");
        let sealed = vault.seal("m", &key).unwrap();
        assert!(!sealed.windows(6).any(|part| part == b"canary"));
        assert_eq!(vault.open("m", &sealed), Some(key.clone()));
        assert_eq!(vault.open("n", &sealed), None);
        assert_eq!(Vault::new(&[8; 32]).open("m", &sealed), None);
        assert_ne!(
            vault.seal("m", &key).unwrap(),
            sealed,
            "the nonce is another each time"
        );
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(vault.open("m", &changed), None, "byte {at}");
            assert_eq!(vault.open("m", &sealed[..at]), None, "cut at {at}");
        }
        assert_eq!(format!("{vault:?}"), "Vault");
    }
}
