//! A key as the database has it, with what a request needs of its owner.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Instant,
};

use onelastai_db::PgPool;
use onelastai_identity::Rights;
use onelastai_types::{AgentId, Currency, Tier, UserId};
use sqlx::types::ipnetwork::IpNetwork;
use time::OffsetDateTime;

use crate::{AccessError, ApiCaller, KeyInfo, Scopes};

/// That a key was used is noted at most this often, in seconds.
const USED_PAUSE: i64 = 60;

/// What is remembered of one key.
#[derive(Debug)]
pub(crate) struct Entry {
    pub info: KeyInfo,
    pub user: UserId,
    /// Before it was read.
    pub read: Instant,
    username: String,
    tier: Tier,
    scopes: Scopes,
    networks: Option<Vec<IpNetwork>>,
    /// The account is closed here.
    disabled: bool,
    revoked: bool,
    ends_at: Option<OffsetDateTime>,
    /// In seconds since 1970.
    used_at: AtomicI64,
}

impl Entry {
    /// Reads the key of this hash.
    pub(crate) async fn read(pool: &PgPool, hash: &[u8; 32]) -> Result<Arc<Self>, AccessError> {
        let read = Instant::now();
        let row = sqlx::query!(
            r#"SELECT k.id, k.user_id, k.name, k.scopes, k.agent_ids, k.networks,
                      k.requests_per_minute, k.tokens_per_minute, k.monthly_budget_minor,
                      k.budget_currency, k.revoked_at IS NOT NULL AS "revoked!",
                      least(k.expires_at, k.overlap_until) AS ends_at, k.last_used_at,
                      u.username, u.subscription_tier, u.disabled_at IS NOT NULL AS "disabled!"
               FROM api_keys k JOIN users u ON u.id = k.user_id
               WHERE k.key_hash = $1"#,
            &hash[..],
        )
        .fetch_optional(pool)
        .await?
        .ok_or(AccessError::Unknown)?;
        let agents = row.agent_ids.map(|ids| {
            let ids: Vec<AgentId> = ids.into_iter().map(AgentId::from).collect();
            ids.into()
        });
        let whole = |limit: Option<i32>| limit.and_then(|limit| u32::try_from(limit).ok());
        let info = KeyInfo {
            id: row.id.into(),
            name: row.name.into(),
            requests_per_minute: whole(row.requests_per_minute),
            tokens_per_minute: whole(row.tokens_per_minute),
            monthly_budget_micros: budget(row.monthly_budget_minor, row.budget_currency),
            agents,
        };
        Ok(Arc::new(Self {
            info,
            user: row.user_id.into(),
            read,
            username: row.username,
            // The column's check lets no other name in.
            tier: row.subscription_tier.parse().unwrap_or_default(),
            scopes: Scopes::of_names(row.scopes.iter().map(String::as_str)),
            networks: row.networks,
            disabled: row.disabled,
            revoked: row.revoked,
            ends_at: row.ends_at,
            used_at: AtomicI64::new(row.last_used_at.map_or(0, OffsetDateTime::unix_timestamp)),
        }))
    }

    /// Whether the key is good now, from this address.
    pub(crate) fn check(&self, now: OffsetDateTime, address: IpAddr) -> Result<(), AccessError> {
        if self.revoked {
            return Err(AccessError::Revoked);
        }
        if self.ends_at.is_some_and(|ends_at| ends_at <= now) {
            return Err(AccessError::Expired);
        }
        if self.disabled {
            return Err(AccessError::Disabled);
        }
        // An IPv4 client of a socket for both looks like ::ffff:192.0.2.1.
        let address = address.to_canonical();
        match &self.networks {
            Some(networks) if !networks.iter().any(|network| network.contains(address)) => {
                Err(AccessError::NetworkNotAllowed)
            }
            _ => Ok(()),
        }
    }

    /// Whether it is time to note that the key is used. Only one is told so.
    pub(crate) fn is_first_use_in_a_while(&self, now: OffsetDateTime) -> bool {
        let now = now.unix_timestamp();
        let before = self.used_at.load(Ordering::Relaxed);
        now.saturating_sub(before) >= USED_PAUSE
            && self
                .used_at
                .compare_exchange(before, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }

    /// Who calls, with what their owner may do.
    pub(crate) fn caller(&self, rights: &Rights) -> ApiCaller {
        ApiCaller {
            user: self.user,
            username: self.username.clone(),
            groups: rights.groups.clone(),
            tier: self.tier,
            key: Some(self.info.clone()),
            permissions: rights.permissions().clone(),
            scopes: self.scopes,
        }
    }
}

/// A budget in millionths of one unit.
fn budget(minor: Option<i64>, currency: Option<String>) -> Option<(u64, Currency)> {
    let (minor, currency) = (minor?, currency?);
    // The column's check lets no other text in.
    let currency: Currency = currency.parse().ok()?;
    let micros_per_minor = 10_u64.pow(6 - currency.digits() as u32);
    let minor = u64::try_from(minor).unwrap_or(0);
    Some((minor.saturating_mul(micros_per_minor), currency))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_counts_in_millionths_of_a_unit() {
        let micros = |minor, code: &str| budget(Some(minor), Some(code.into())).unwrap().0;
        assert_eq!(micros(1250, "EUR"), 12_500_000);
        assert_eq!(micros(1250, "JPY"), 1_250_000_000);
        assert_eq!(micros(1250, "KWD"), 1_250_000);
        assert_eq!(micros(i64::MAX, "JPY"), u64::MAX);
        assert!(budget(None, None).is_none());
    }
}
