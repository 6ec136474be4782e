//! The end of the chain, to note down.

use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};

/// The bytes of a SHA-256 (FIPS 180-4).
pub(super) const HASH_LENGTH: usize = 32;

/// A hash as the database gives it; `None` where it isn't one.
pub(super) fn hash(bytes: &[u8]) -> Option<[u8; HASH_LENGTH]> {
    bytes.try_into().ok()
}

/// A row of the chain and its hash, which stands for the row and everything before it.
/// Written `SEQUENCE:HASH` with the hash in hexadecimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Of the row: 1 is the first; 0 stands for a log without rows.
    pub sequence: i64,
    /// Its hash; zeros in a log without rows.
    pub hash: [u8; HASH_LENGTH],
}

impl Head {
    /// Where the chain begins: no row yet.
    pub const START: Self = Self {
        sequence: 0,
        hash: [0; HASH_LENGTH],
    };
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hash = base16ct::lower::encode_string(&self.hash);
        write!(f, "{}:{hash}", self.sequence)
    }
}

impl Serialize for Head {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The text is not `SEQUENCE:HASH`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a head is SEQUENCE:HASH, a number and 64 hexadecimal digits")]
pub struct HeadError;

impl FromStr for Head {
    type Err = HeadError;

    fn from_str(text: &str) -> Result<Self, HeadError> {
        let (sequence, digits) = text.trim().split_once(':').ok_or(HeadError)?;
        let sequence = sequence.parse().map_err(|_| HeadError)?;
        let mut bytes = [0; HASH_LENGTH];
        let length = base16ct::mixed::decode(digits, &mut bytes)
            .map_err(|_| HeadError)?
            .len();
        if sequence < 0 || length != HASH_LENGTH {
            return Err(HeadError);
        }
        Ok(Self {
            sequence,
            hash: bytes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_reads_as_it_is_written() {
        let mut head = Head {
            sequence: 12,
            hash: [0xab; 32],
        };
        head.hash[31] = 1;
        let text = head.to_string();
        assert!(text.starts_with("12:abab") && text.ends_with("ab01"));
        assert_eq!(text.parse(), Ok(head));
        assert_eq!(text.to_uppercase().parse(), Ok(head));
        assert_eq!(Head::START.to_string().parse(), Ok(Head::START));
    }

    #[test]
    fn anything_else_is_refused() {
        let zeros = "0".repeat(64);
        for text in [
            "",
            ":",
            "1",
            "1:ab",
            &format!("-1:{zeros}"),
            &format!("x:{zeros}"),
            &format!("1:{zeros}0"),
            &format!("1:{zeros}00"),
            &format!("1:{}", "g".repeat(64)),
            &format!("99999999999999999999:{zeros}"),
        ] {
            assert_eq!(text.parse::<Head>(), Err(HeadError), "{text}");
        }
    }
}
