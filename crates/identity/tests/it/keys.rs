//! Signing tokens, well and badly.

use std::sync::OnceLock;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use rand_core::OsRng;
use rsa::{
    RsaPrivateKey,
    pkcs1::EncodeRsaPrivateKey,
    pkcs1v15,
    pkcs8::EncodePublicKey,
    pss,
    signature::{RandomizedSigner, SignatureEncoding, Signer},
};
use serde_json::{Value, json};
use sha2_0_10::Sha256;

/// An RSA key.
pub struct Key {
    private: RsaPrivateKey,
    kid: OnceLock<String>,
}

pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The claims of a token, unverified.
pub fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

fn unsigned(header: &Value, claims: &Value) -> String {
    format!(
        "{}.{}",
        encode(header.to_string()),
        encode(claims.to_string())
    )
}

impl Key {
    /// A new key, and its private part for Keycloak.
    pub fn make() -> (String, Self) {
        let private = RsaPrivateKey::new(&mut OsRng, 2048).unwrap();
        let pem = private.to_pkcs1_pem(rsa::pkcs8::LineEnding::LF).unwrap();
        let key = Self {
            private,
            kid: OnceLock::new(),
        };
        (pem.to_string(), key)
    }

    pub fn set_kid(&self, kid: &str) {
        self.kid.set(kid.to_owned()).unwrap();
    }

    pub fn header(&self) -> Value {
        json!({ "alg": "RS256", "typ": "JWT", "kid": self.kid.get().unwrap() })
    }

    /// Signs as Keycloak does.
    pub fn sign(&self, claims: &Value) -> String {
        self.sign_with(&self.header(), claims)
    }

    /// A good RS256 signature under any header.
    pub fn sign_with(&self, header: &Value, claims: &Value) -> String {
        let text = unsigned(header, claims);
        let signer = pkcs1v15::SigningKey::<Sha256>::new(self.private.clone());
        let signature = signer.sign(text.as_bytes()).to_bytes();
        format!("{text}.{}", encode(signature))
    }

    pub fn sign_pss(&self, claims: &Value) -> String {
        let mut header = self.header();
        header["alg"] = json!("PS256");
        let text = unsigned(&header, claims);
        let signer = pss::SigningKey::<Sha256>::new(self.private.clone());
        let signature = signer.sign_with_rng(&mut OsRng, text.as_bytes()).to_bytes();
        format!("{text}.{}", encode(signature))
    }

    /// "Signed" with what everybody knows.
    pub fn confused(&self, claims: &Value) -> Vec<String> {
        let public = self.private.to_public_key();
        let pem = public
            .to_public_key_pem(rsa::pkcs8::LineEnding::LF)
            .unwrap();
        let der = public.to_public_key_der().unwrap();
        let secrets: [&[u8]; 4] = [pem.as_bytes(), pem.trim().as_bytes(), der.as_bytes(), b""];
        let mut header = self.header();
        header["alg"] = json!("HS256");
        let text = unsigned(&header, claims);
        secrets
            .iter()
            .map(|secret| {
                let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret).unwrap();
                mac.update(text.as_bytes());
                format!("{text}.{}", encode(mac.finalize().into_bytes()))
            })
            .collect()
    }

    /// Every way of not being signed by the realm.
    pub fn badly_signed(&self, claims: &Value) -> Vec<(&'static str, String)> {
        let (_, stranger) = Self::make();
        let good = self.sign(claims);
        let (text, signature) = good.rsplit_once('.').unwrap();
        let payload = text.split_once('.').unwrap().1;
        let mut forged = claims.clone();
        forged["sub"] = json!("00000000-0000-4000-8000-000000000000");
        let with = |key: &str, value: Value| {
            let mut header = self.header();
            header[key] = value;
            header
        };
        let without_kid = json!({ "alg": "RS256", "typ": "JWT" });
        let attacker = "http://127.0.0.1:9/keys";
        let jwk = stranger.jwk();
        let mut bad = vec![
            ("nothing", String::new()),
            ("dots", "..".to_owned()),
            ("many dots", format!("{good}.x")),
            ("no signature", format!("{text}.")),
            (
                "half a signature",
                format!("{text}.{}", &signature[..signature.len() / 2]),
            ),
            (
                "none",
                format!(
                    "{}.{payload}.",
                    encode(with("alg", json!("none")).to_string())
                ),
            ),
            (
                "None",
                format!(
                    "{}.{payload}.",
                    encode(with("alg", json!("None")).to_string())
                ),
            ),
            (
                "other claims under a good signature",
                format!("{}.{signature}", unsigned(&self.header(), &forged)),
            ),
            (
                "a stranger's key",
                stranger.sign_with(&self.header(), claims),
            ),
            (
                "a stranger's key and kid",
                stranger.sign_with(&with("kid", json!("stranger")), claims),
            ),
            (
                "a kid with a path",
                stranger.sign_with(&with("kid", json!("../../../dev/null")), claims),
            ),
            ("no kid", self.sign_with(&without_kid, claims)),
            (
                "a number for kid",
                self.sign_with(&with("kid", json!(1)), claims),
            ),
            (
                "RS512",
                self.sign_with(&with("alg", json!("RS512")), claims),
            ),
            ("crit", self.sign_with(&with("crit", json!(["x"])), claims)),
            ("PS256 by an RS256 key", self.sign_pss(claims)),
            ("a token twice as long as any", {
                let mut long = claims.clone();
                long["padding"] = json!("x".repeat(20_000));
                self.sign(&long)
            }),
            ("SQL", "' OR 1=1; DROP TABLE users; --".to_owned()),
            ("not ASCII", "é.ü.ß\0".to_owned()),
        ];
        for brought in ["jku", "x5u"] {
            let mut header = with(brought, json!(attacker));
            bad.push((brought, stranger.sign_with(&header, claims)));
            header["kid"] = json!("stranger");
            bad.push((brought, stranger.sign_with(&header, claims)));
        }
        let mut header = with("jwk", jwk);
        bad.push(("jwk", stranger.sign_with(&header, claims)));
        header["kid"] = json!("stranger");
        bad.push(("jwk and kid", stranger.sign_with(&header, claims)));
        bad.extend(self.confused(claims).into_iter().map(|it| ("HS256", it)));
        bad
    }

    fn jwk(&self) -> Value {
        use rsa::traits::PublicKeyParts;
        json!({
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": "stranger",
            "n": encode(self.private.n().to_bytes_be()),
            "e": encode(self.private.e().to_bytes_be())
        })
    }
}
