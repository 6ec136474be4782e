//! Addresses that agents gave up when they were renamed. As with deleted agents, nobody else
//! is to take over an address that people know.

use onelastai_types::{AgentId, UserId};
use sqlx::PgConnection;

use crate::EditError;

/// For how many days an address is kept for the agent that had it, and for its owner.
const RESERVED_DAYS: i32 = 30;

/// Whether the slug that an agent has just got, by this person, is kept for another one.
///
/// To be asked when the slug is written: whoever gives it up at the same time has made that
/// write wait for the end of their transaction, so what they left here can be seen.
pub(crate) async fn is_reserved(
    connection: &mut PgConnection,
    slug: &str,
    agent: AgentId,
    person: UserId,
) -> Result<bool, EditError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (
               SELECT FROM agent_former_slugs f JOIN agents a ON a.id = f.agent_id
               WHERE f.slug = $1 AND f.given_up_at > now() - make_interval(days => $4)
                 AND f.agent_id <> $2 AND a.owner_id IS DISTINCT FROM $3
           ) AS "reserved!""#,
        slug,
        agent.0,
        person.0,
        RESERVED_DAYS,
    )
    .fetch_one(connection)
    .await?)
}

/// Notes that an agent has another slug from now on.
pub(crate) async fn give_up(
    connection: &mut PgConnection,
    slug: &str,
    agent: AgentId,
) -> Result<(), EditError> {
    sqlx::query!(
        "INSERT INTO agent_former_slugs (slug, agent_id) VALUES ($1, $2)
         ON CONFLICT (slug) DO UPDATE
         SET agent_id = excluded.agent_id, given_up_at = excluded.given_up_at",
        slug,
        agent.0,
    )
    .execute(connection)
    .await?;
    Ok(())
}
