//! What a key looks like: `ola_` and 256 random bits as 43 characters of base64url (RFC 4648,
//! 5). Only its SHA-256 is kept: what is that random needs no slow hash.

use onelastai_identity::Secret;

/// What every key begins with, so that people and scanners recognise one.
pub(crate) const MARK: &str = "ola_";
/// How much of a key is kept to recognise it by.
const PREFIX: usize = 12;
/// Of 32 bytes in base64url without padding.
const RANDOM: usize = 43;

/// A new key.
pub(crate) fn new_key() -> Secret {
    Secret::new(format!("{MARK}{}", Secret::random().expose()))
}

/// The characters that its owner recognises it by.
pub(crate) fn prefix(key: &Secret) -> String {
    key.expose().chars().take(PREFIX).collect()
}

/// The hash of what looks like a key; nothing else gets as far as the database.
pub(crate) fn hash(text: &str) -> Option<[u8; 32]> {
    let random = text.strip_prefix(MARK)?;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (random.len() == RANDOM && random.bytes().all(fits)).then(|| Secret::new(text).hash())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_recognised_and_each_is_another() {
        let (one, two) = (new_key(), new_key());
        assert_eq!(prefix(&one).len(), PREFIX);
        assert!(one.expose().starts_with(&prefix(&one)));
        assert_eq!(hash(one.expose()), Some(one.hash()));
        assert_ne!(hash(one.expose()), hash(two.expose()));
    }

    #[test]
    fn what_is_no_key_has_no_hash() {
        let key = new_key();
        let key = key.expose();
        for text in [
            "",
            "ola_",
            &key[..46],
            &format!("{key}A"),
            &format!(" {key}"),
            &format!("{key}\n"),
            &key.replace("ola_", "OLA_"),
            &format!("{}é", &key[..45]),
            &format!("{}'", &key[..46]),
        ] {
            assert_eq!(hash(text), None, "{text:?}");
        }
    }
}
