//! The agents that somebody looks after.

use onelastai_types::{AgentId, UserId};
use time::OffsetDateTime;

use crate::{AgentService, Avatar, EditError, RESTORE_DAYS, Viewer, Visibility};

/// Agents on one page.
pub const PAGE_SIZE: u32 = 24;
/// The span of the counts: today (UTC) and the days before it.
const DAYS: i32 = 30;

/// One line of the dashboard.
#[derive(Debug, Clone, PartialEq)]
pub struct DashboardAgent {
    /// Its id.
    pub id: AgentId,
    /// Its part of the address.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// Its look.
    pub avatar: Avatar,
    /// What it is for.
    pub description: String,
    /// Whose it is; `None`: the platform's.
    pub owner: Option<UserId>,
    /// That person's username.
    pub owner_name: Option<String>,
    /// Who may use it.
    pub visibility: Visibility,
    /// The group that looks after it.
    pub group: Option<String>,
    /// Its current version.
    pub version: i32,
    /// Since when it is out of the lists.
    pub archived_at: Option<OffsetDateTime>,
    /// When anything about it last changed.
    pub updated_at: OffsetDateTime,
    /// Conversations in which it answered, in the last 30 days.
    pub conversations: i64,
    /// Its answers in the last 30 days, however they ended.
    pub answers: i64,
    /// Which share of these failed, 0 to 1; 0 where there are none.
    pub error_share: f64,
}

/// One page of the dashboard.
#[derive(Debug, Clone, PartialEq)]
pub struct DashboardPage {
    /// The agents, the one that changed last first; at most [`PAGE_SIZE`].
    pub agents: Vec<DashboardAgent>,
    /// Which page, from 1.
    pub page: u32,
    /// How many pages there are, at least 1.
    pub pages: u32,
    /// Agents on all pages.
    pub total: i64,
}

/// A deleted agent that can be brought back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeletedAgent {
    /// Its id.
    pub id: AgentId,
    /// Its part of the address.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// When it was deleted.
    pub deleted_at: OffsetDateTime,
}

#[allow(
    clippy::cast_precision_loss,
    reason = "counts of answers are far below 2^52"
)]
fn share(part: i64, whole: i64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

impl AgentService {
    /// The agents that this person may edit and whose name, slug, description, group or owner's
    /// username has `text` in it (all of them where it is empty), the archived ones or the
    /// others. A page after the last one is the last one.
    ///
    /// # Errors
    /// As any query.
    pub async fn dashboard(
        &self,
        viewer: &Viewer,
        text: &str,
        archived: bool,
        page: u32,
    ) -> Result<DashboardPage, EditError> {
        // PostgreSQL's text holds no NUL, so nothing there has one in it.
        let text = text.trim().replace('\0', "");
        let total = sqlx::query_scalar!(
            r#"SELECT count(*) AS "count!" FROM agents a
               WHERE deleted_at IS NULL AND (archived_at IS NOT NULL) = $5
                 AND agent_editable_by(a, $1, $2, $3, $4)
                 AND position(lower($6) IN lower(concat_ws(E'\n', name, slug, description, group_path,
                     (SELECT username FROM users o WHERE o.id = a.owner_id)))) > 0"#,
            viewer.user.0,
            &viewer.groups,
            viewer.manages,
            viewer.administers,
            archived,
            text,
        )
        .fetch_one(&self.pool)
        .await?;
        let pages = u32::try_from(total)
            .unwrap_or(u32::MAX)
            .div_ceil(PAGE_SIZE)
            .max(1);
        let page = page.clamp(1, pages);
        let rows = sqlx::query!(
            r#"WITH span AS (
                   SELECT (now() AT TIME ZONE 'UTC')::date - ($7::integer - 1) AS first
               ), shown AS (
                   SELECT id, slug, name, avatar, description, owner_id, visibility, group_path,
                          current_version, archived_at, updated_at
                   FROM agents a
                   WHERE deleted_at IS NULL AND (archived_at IS NOT NULL) = $5
                     AND agent_editable_by(a, $1, $2, $3, $4)
                     AND position(lower($6) IN lower(concat_ws(E'\n', name, slug, description, group_path,
                         (SELECT username FROM users o WHERE o.id = a.owner_id)))) > 0
                   ORDER BY updated_at DESC, id DESC
                   LIMIT $8 OFFSET $9
               )
               SELECT s.id AS "id!", s.slug AS "slug!", s.name AS "name!", s.avatar AS "avatar!",
                      s.description AS "description!", s.owner_id AS "owner_id?",
                      o.username AS "owner_name?", s.visibility AS "visibility!",
                      s.group_path AS "group_path?",
                      s.current_version AS "current_version!", s.archived_at AS "archived_at?",
                      s.updated_at AS "updated_at!", c.conversations AS "conversations!",
                      u.answers AS "answers!", u.errors AS "errors!"
               FROM shown s
               LEFT JOIN users o ON o.id = s.owner_id
               CROSS JOIN span
               CROSS JOIN LATERAL (
                   SELECT coalesce(sum(requests), 0)::bigint AS answers,
                          coalesce(sum(errors), 0)::bigint AS errors
                   FROM usage_metrics WHERE agent_id = s.id AND day >= span.first
               ) u
               CROSS JOIN LATERAL (
                   SELECT count(DISTINCT conversation_id) AS conversations
                   FROM agent_interactions
                   WHERE agent_id = s.id AND created_at >= span.first::timestamp AT TIME ZONE 'UTC'
               ) c
               ORDER BY s.updated_at DESC, s.id DESC"#,
            viewer.user.0,
            &viewer.groups,
            viewer.manages,
            viewer.administers,
            archived,
            text,
            DAYS,
            i64::from(PAGE_SIZE),
            i64::from(page - 1) * i64::from(PAGE_SIZE),
        )
        .fetch_all(&self.pool)
        .await?;
        let agents = rows
            .into_iter()
            .map(|row| DashboardAgent {
                id: row.id.into(),
                slug: row.slug,
                name: row.name,
                avatar: row.avatar.parse().unwrap_or_default(),
                description: row.description,
                owner: row.owner_id.map(UserId),
                owner_name: row.owner_name,
                visibility: row.visibility.parse().unwrap_or_default(),
                group: row.group_path,
                version: row.current_version,
                archived_at: row.archived_at,
                updated_at: row.updated_at,
                conversations: row.conversations,
                answers: row.answers,
                error_share: share(row.errors, row.answers),
            })
            .collect();
        Ok(DashboardPage {
            agents,
            page,
            pages,
            total,
        })
    }

    /// The deleted agents that this person can bring back, the last deleted first; at most
    /// 100.
    ///
    /// # Errors
    /// As any query.
    pub async fn deleted(&self, viewer: &Viewer) -> Result<Vec<DeletedAgent>, EditError> {
        Ok(sqlx::query_as!(
            DeletedAgent,
            r#"SELECT id, slug, name, deleted_at AS "deleted_at!"
               FROM agents a
               WHERE deleted_at > now() - make_interval(days => $5)
                 AND agent_editable_by(a, $1, $2, $3, $4)
               ORDER BY deleted_at DESC, id DESC
               LIMIT 100"#,
            viewer.user.0,
            &viewer.groups,
            viewer.manages,
            viewer.administers,
            RESTORE_DAYS,
        )
        .fetch_all(&self.pool)
        .await?)
    }
}
