//! Where a person is signed in.

use std::net::IpAddr;

use onelastai_types::{UserId, UserSessionId};
use time::OffsetDateTime;

use crate::{IdentityError, IdentityService, Session, store::text_of_hash, user_agent::in_words};

/// The most sessions that are listed.
const MOST: i64 = 200;

/// One session of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedInAt {
    /// Its id, for [`IdentityService::end_session`].
    pub id: UserSessionId,
    /// The host it is good for.
    pub host: String,
    /// From where the person signed in.
    pub address: Option<IpAddr>,
    /// The program and the system, such as `Firefox on Linux`.
    pub device: String,
    /// When it began.
    pub created_at: OffsetDateTime,
    /// When it was last used; up to a minute late.
    pub last_seen_at: OffsetDateTime,
    /// Whether it is the one that asks.
    pub current: bool,
    /// Whether it is of the same browser as the one that asks, and ends together with it.
    pub same_browser: bool,
}

impl IdentityService {
    /// The living sessions of a person, the last used first; at most 200. `current` is the
    /// one that asks, where it is the person's own.
    ///
    /// # Errors
    /// Where Redis or the database is away.
    pub async fn sessions_of(
        &self,
        user: UserId,
        current: Option<&Session>,
    ) -> Result<Vec<SignedInAt>, IdentityError> {
        let rows = sqlx::query!(
            "SELECT id, keycloak_session_id, host, token_hash, address, user_agent, created_at,
                    last_seen_at
             FROM user_sessions
             WHERE user_id = $1 AND ended_at IS NULL AND expires_at > now()
             ORDER BY last_seen_at DESC, id DESC
             LIMIT $2",
            user.0,
            MOST,
        )
        .fetch_all(self.pool())
        .await?;
        // The rows outlive sessions that Redis forgot.
        let keys: Vec<_> = rows
            .iter()
            .map(|row| {
                let hash = text_of_hash(&row.token_hash);
                (hash, row.keycloak_session_id.clone().unwrap_or_default())
            })
            .collect();
        let alive = self.sessions().alive(&keys).await?;
        let living = rows.into_iter().zip(alive).filter(|(_, alive)| *alive);
        Ok(living
            .map(|(row, _)| SignedInAt {
                current: current.is_some_and(|it| it.id.0 == row.id),
                same_browser: current
                    .is_some_and(|it| Some(&it.sid) == row.keycloak_session_id.as_ref()),
                id: row.id.into(),
                host: row.host,
                address: row.address.map(|network| network.ip()),
                device: in_words(row.user_agent.as_deref()),
                created_at: row.created_at,
                last_seen_at: row.last_seen_at,
            })
            .collect())
    }
}
