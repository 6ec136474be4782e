//! The hash of a row, worked out without PostgreSQL. The migration `audit_chain` has the
//! same in SQL (`audit_hash`); that the two agree is what the tests are for.
//!
//! SHA-256 (FIPS 180-4) over the fields in the order below, each as its length in four
//! bytes, the most significant first, and then its bytes; the length of a null is -1.
//! Text is UTF-8, numbers have eight bytes, UUIDs sixteen.

use std::net::IpAddr;

use sha2::{Digest, Sha256};
use sqlx::types::ipnetwork::IpNetwork;

use super::{head::HASH_LENGTH, row::StoredRow};

/// Names this encoding, so that a later one can't be taken for it.
const VERSION: &[u8] = b"onelastai audit 1";

/// The hash that belongs to the row if it stood at `sequence`.
pub(super) fn hash_at(row: &StoredRow, sequence: i64) -> [u8; HASH_LENGTH] {
    let mut fields = Fields(Sha256::new());
    fields.add(Some(VERSION));
    fields.add(Some(&sequence.to_be_bytes()));
    fields.add(Some(&row.previous_hash));
    fields.add(Some(row.id.as_bytes()));
    fields.add(
        row.micros
            .map(i64::to_be_bytes)
            .as_ref()
            .map(<[u8; 8]>::as_slice),
    );
    fields.add(row.actor_id.as_ref().map(|id| id.as_bytes().as_slice()));
    fields.add(Some(row.actor.as_bytes()));
    fields.add(Some(row.action.as_bytes()));
    fields.add(row.target_type.as_deref().map(str::as_bytes));
    fields.add(row.target_id.as_ref().map(|id| id.as_bytes().as_slice()));
    fields.add(row.address.map(network).as_deref());
    fields.add(row.user_agent.as_deref().map(str::as_bytes));
    fields.add(Some(row.changes.as_bytes()));
    fields.0.finalize().into()
}

struct Fields(Sha256);

impl Fields {
    fn add(&mut self, value: Option<&[u8]>) {
        // PostgreSQL has no value of 2 GiB.
        let length = value.map_or(-1, |value| i32::try_from(value.len()).unwrap_or(i32::MAX));
        self.0.update(length.to_be_bytes());
        self.0.update(value.unwrap_or_default());
    }
}

/// As PostgreSQL sends an `inet`: family (2 or 3), bits of the network, 0 (as it is no
/// `cidr`), number of bytes, bytes.
fn network(network: IpNetwork) -> Vec<u8> {
    let head = |family, length| [family, network.prefix(), 0, length];
    match network.ip() {
        IpAddr::V4(ip) => [&head(2, 4)[..], &ip.octets()].concat(),
        IpAddr::V6(ip) => [&head(3, 16)[..], &ip.octets()].concat(),
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn row() -> StoredRow {
        StoredRow {
            sequence: 1,
            id: Uuid::from_u128(7),
            micros: Some(1),
            actor_id: None,
            actor: "a".into(),
            action: "b.c".into(),
            target_type: None,
            target_id: None,
            address: None,
            user_agent: None,
            changes: "{}".into(),
            previous_hash: vec![0; 32],
            hash: Vec::new(),
        }
    }

    #[test]
    fn no_two_rows_encode_alike() {
        let variants = [
            row(),
            StoredRow {
                id: Uuid::nil(),
                ..row()
            },
            StoredRow {
                micros: Some(2),
                ..row()
            },
            StoredRow {
                micros: None,
                ..row()
            },
            StoredRow {
                actor_id: Some(Uuid::from_u128(7)),
                ..row()
            },
            StoredRow {
                target_id: Some(Uuid::from_u128(7)),
                ..row()
            },
            // What stands at the end of one field and at the beginning of the next.
            StoredRow {
                actor: "ab".into(),
                action: ".c".into(),
                ..row()
            },
            StoredRow {
                actor: String::new(),
                action: "ab.c".into(),
                ..row()
            },
            // Empty and absent; one field or the other.
            StoredRow {
                target_type: Some(String::new()),
                ..row()
            },
            StoredRow {
                user_agent: Some(String::new()),
                ..row()
            },
            StoredRow {
                target_type: Some("x".into()),
                ..row()
            },
            StoredRow {
                user_agent: Some("x".into()),
                ..row()
            },
            StoredRow {
                address: "127.0.0.1".parse().ok(),
                ..row()
            },
            StoredRow {
                address: "127.0.0.1/8".parse().ok(),
                ..row()
            },
            StoredRow {
                address: "::1".parse().ok(),
                ..row()
            },
            StoredRow {
                changes: "{ }".into(),
                ..row()
            },
            StoredRow {
                previous_hash: vec![1; 32],
                ..row()
            },
        ];
        let mut hashes: Vec<_> = variants.iter().map(|row| hash_at(row, 1)).collect();
        hashes.push(hash_at(&row(), 2));
        let all = hashes.len();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), all);
    }
}
