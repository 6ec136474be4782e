//! How often an address may try keys that do not exist: looking for one costs a query.

use std::{
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use moka::sync::Cache;

use crate::AccessError;

/// How many in a minute. Who has mistyped a key does not come near it.
const MOST: u32 = 60;
const WINDOW: Duration = Duration::from_secs(60);
/// The most addresses that are remembered.
const MOST_ADDRESSES: u64 = 100_000;

/// The addresses that have tried keys that do not exist. Each replica counts for itself: what is
/// protected is its share of the database, not the keys, which nobody can guess.
pub(crate) struct Tries(Cache<IpAddr, Arc<Count>>);

struct Count {
    since: Instant,
    tries: AtomicU32,
}

impl Default for Tries {
    fn default() -> Self {
        Self(
            Cache::builder()
                .max_capacity(MOST_ADDRESSES)
                .time_to_live(WINDOW)
                .build(),
        )
    }
}

impl Tries {
    /// Notes that somebody there tried what is no key.
    pub(crate) fn note(&self, address: IpAddr) {
        let count = self.0.get_with(place(address), || {
            Arc::new(Count {
                since: Instant::now(),
                tries: AtomicU32::new(0),
            })
        });
        count.tries.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether a key from there may be looked for.
    pub(crate) fn check(&self, address: IpAddr) -> Result<(), AccessError> {
        match self.0.get(&place(address)) {
            Some(count) if count.tries.load(Ordering::Relaxed) >= MOST => {
                let retry_after = WINDOW.saturating_sub(count.since.elapsed());
                Err(AccessError::TooManyTries { retry_after })
            }
            _ => Ok(()),
        }
    }
}

/// What counts as one place: an IPv4 address however it is written, and the first half of an IPv6
/// address, since everybody has all of the other half (RFC 4291, 2.5.1).
fn place(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = address.to_bits() & (u128::MAX << 64);
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn every_place_has_its_own_tries() {
        let tries = Tries::default();
        for _ in 0..MOST {
            assert!(tries.check(at("192.0.2.1")).is_ok());
            tries.note(at("192.0.2.1"));
            tries.note(at("2001:db8::1"));
        }
        for same in ["192.0.2.1", "::ffff:192.0.2.1", "2001:db8::2:0:0:9"] {
            let Err(AccessError::TooManyTries { retry_after }) = tries.check(at(same)) else {
                panic!("{same}");
            };
            assert!(retry_after <= WINDOW && retry_after > Duration::from_secs(50));
        }
        for other in ["192.0.2.2", "::ffff:192.0.2.2", "2001:db8:0:1::1"] {
            assert!(tries.check(at(other)).is_ok(), "{other}");
        }
    }
}
