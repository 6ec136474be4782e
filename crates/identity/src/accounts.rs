//! Accounts, for those who administer them.

use onelastai_db::{Actor, AuditEntry, Origin, record};
use onelastai_types::{Tier, UserId};
use serde_json::{Map, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    IdentityError, IdentityService, ending::Ending, keycloak::RoleRepresentation,
    session::EndReason, store::Which,
};

/// How many accounts a page has.
pub const ACCOUNTS_PER_PAGE: u32 = 50;

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: UserId,
    /// Keycloak's username, as of the last sign-in or refresh.
    pub username: String,
    /// The name to show.
    pub name: String,
    /// The address, where there is one.
    pub email: Option<String>,
    /// Whether Keycloak has verified the address.
    pub email_verified: bool,
    /// What this person has subscribed to.
    pub tier: Tier,
    /// Since when it is closed here, if it is. Keycloak has a switch of its own.
    pub disabled_at: Option<OffsetDateTime>,
    /// The last sign-in in a browser.
    pub last_sign_in_at: Option<OffsetDateTime>,
    /// Since when we know it.
    pub created_at: OffsetDateTime,
}

struct Row {
    id: UserId,
    username: String,
    name: String,
    email: Option<String>,
    email_verified: bool,
    subscription_tier: String,
    disabled_at: Option<OffsetDateTime>,
    last_sign_in_at: Option<OffsetDateTime>,
    created_at: OffsetDateTime,
}

impl From<Row> for Account {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            username: row.username,
            name: row.name,
            email: row.email,
            email_verified: row.email_verified,
            // The column's check lets no other name in.
            tier: row.subscription_tier.parse().unwrap_or_default(),
            disabled_at: row.disabled_at,
            last_sign_in_at: row.last_sign_in_at,
            created_at: row.created_at,
        }
    }
}

/// Some accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountPage {
    /// At most [`ACCOUNTS_PER_PAGE`], by username.
    pub accounts: Vec<Account>,
    /// Whether there is another page.
    pub more: bool,
}

/// An account as Keycloak has it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeycloakAccount {
    /// Whether Keycloak lets this person sign in.
    pub enabled: bool,
    /// The realm roles, by name; those that come with others too.
    pub roles: Vec<String>,
    /// The roles of our own client, which count the same.
    pub client_roles: Vec<String>,
}

fn names(roles: Vec<RoleRepresentation>) -> Vec<String> {
    let mut names: Vec<_> = roles.into_iter().map(|role| role.name).collect();
    names.sort_unstable();
    names
}

/// What `LIKE` takes for the text itself, anywhere.
fn containing(text: &str) -> String {
    let mut pattern = String::from("%");
    // PostgreSQL has no NUL in a text; nobody searches for control characters.
    for c in text.trim().chars().filter(|c| !c.is_control()).take(200) {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

impl IdentityService {
    /// What Keycloak says of an account; `None` where no client is set up to ask it.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`] where it is gone there; or where Keycloak is away.
    pub async fn keycloak_account(
        &self,
        id: UserId,
    ) -> Result<Option<KeycloakAccount>, IdentityError> {
        if self.settings().backend.is_none() {
            return Ok(None);
        }
        let subject = self.subject(id).await?;
        let keycloak = self.keycloak();
        let user = keycloak.user(&subject).await?;
        let (roles, client_roles) =
            tokio::try_join!(keycloak.roles(&subject), keycloak.client_roles(&subject))?;
        Ok(Some(KeycloakAccount {
            enabled: user.enabled,
            roles: names(roles),
            client_roles: names(client_roles),
        }))
    }

    /// Keycloak's id of the person of an account.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`] where it is not of this realm; or where the database is
    /// away.
    pub(crate) async fn subject(&self, id: UserId) -> Result<String, IdentityError> {
        sqlx::query_scalar!(
            "SELECT keycloak_subject FROM users WHERE id = $1 AND keycloak_issuer = $2",
            id.0,
            self.settings().issuer(),
        )
        .fetch_optional(self.pool())
        .await?
        .ok_or(IdentityError::NotFound)
    }

    /// The accounts with `text` in their username, name or address; all for an empty text.
    /// Pages count from 0.
    ///
    /// # Errors
    /// Where the database is away.
    pub async fn search_users(&self, text: &str, page: u32) -> Result<AccountPage, IdentityError> {
        let rows = sqlx::query_as!(
            Row,
            r#"SELECT id, username, display_name AS name, email, email_verified,
                      subscription_tier, disabled_at, last_sign_in_at, created_at
               FROM users
               WHERE username ILIKE $1 OR display_name ILIKE $1 OR email ILIKE $1
               ORDER BY lower(username), id
               LIMIT $2 OFFSET $3"#,
            containing(text),
            i64::from(ACCOUNTS_PER_PAGE) + 1,
            i64::from(page) * i64::from(ACCOUNTS_PER_PAGE),
        )
        .fetch_all(self.pool())
        .await?;
        Ok(AccountPage {
            more: rows.len() > ACCOUNTS_PER_PAGE as usize,
            accounts: rows
                .into_iter()
                .take(ACCOUNTS_PER_PAGE as usize)
                .map(Account::from)
                .collect(),
        })
    }

    /// One account.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`]; or where the database is away.
    pub async fn user(&self, id: UserId) -> Result<Account, IdentityError> {
        sqlx::query_as!(
            Row,
            r#"SELECT id, username, display_name AS name, email, email_verified,
                      subscription_tier, disabled_at, last_sign_in_at, created_at
               FROM users WHERE id = $1"#,
            id.0,
        )
        .fetch_optional(self.pool())
        .await?
        .map(Account::from)
        .ok_or(IdentityError::NotFound)
    }

    /// Gives an account another tier by hand. Giving it the one it has changes nothing.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`]; or where the database is away.
    pub async fn set_tier(
        &self,
        id: UserId,
        tier: Tier,
        actor: Actor,
        origin: &Origin,
    ) -> Result<(), IdentityError> {
        let mut transaction = self.pool().begin().await?;
        let before = sqlx::query_scalar!(
            "SELECT subscription_tier FROM users WHERE id = $1 FOR UPDATE",
            id.0
        )
        .fetch_optional(&mut *transaction)
        .await?
        .ok_or(IdentityError::NotFound)?;
        if before == tier.as_str() {
            return Ok(());
        }
        sqlx::query!(
            "UPDATE users SET subscription_tier = $2 WHERE id = $1",
            id.0,
            tier.as_str(),
        )
        .execute(&mut *transaction)
        .await?;
        let changes = Map::from_iter([("tier".to_owned(), json!([before, tier.as_str()]))]);
        let entry = AuditEntry {
            actor,
            origin,
            action: "user.tier",
            target_type: "users",
            target_id: id.0,
            changes,
        };
        record(&mut transaction, entry).await?;
        transaction.commit().await?;
        self.announce(id).await;
        Ok(())
    }

    /// Closes an account here and ends its sessions. Closing a closed one ends what may be
    /// left of them.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`]; or where the database or Redis is away. Sessions that
    /// could not be ended end at their next refresh.
    pub async fn disable_user(
        &self,
        id: UserId,
        actor: Actor,
        origin: &Origin,
    ) -> Result<(), IdentityError> {
        self.set_disabled(id, true, actor.clone(), origin).await?;
        let ending = Ending {
            reason: EndReason::Disabled,
            actor: Some(actor),
            origin,
        };
        self.end_everywhere(Which::Person(id, None), &ending)
            .await?;
        Ok(())
    }

    /// Opens a closed account again. Opening an open one changes nothing.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`]; or where the database is away.
    pub async fn enable_user(
        &self,
        id: UserId,
        actor: Actor,
        origin: &Origin,
    ) -> Result<(), IdentityError> {
        self.set_disabled(id, false, actor, origin).await
    }

    async fn set_disabled(
        &self,
        id: UserId,
        disabled: bool,
        actor: Actor,
        origin: &Origin,
    ) -> Result<(), IdentityError> {
        let mut transaction = self.pool().begin().await?;
        let before = sqlx::query_scalar!(
            "SELECT disabled_at FROM users WHERE id = $1 FOR UPDATE",
            id.0
        )
        .fetch_optional(&mut *transaction)
        .await?
        .ok_or(IdentityError::NotFound)?;
        if before.is_some() == disabled {
            return Ok(());
        }
        let after = sqlx::query_scalar!(
            "UPDATE users SET disabled_at = CASE WHEN $2 THEN now() END WHERE id = $1
             RETURNING disabled_at",
            id.0,
            disabled,
        )
        .fetch_one(&mut *transaction)
        .await?;
        let text = |at: Option<OffsetDateTime>| at.and_then(|at| at.format(&Rfc3339).ok());
        let mut changes = Map::new();
        changes.insert("disabled_at".to_owned(), json!([text(before), text(after)]));
        let entry = AuditEntry {
            actor,
            origin,
            action: if disabled {
                "user.disable"
            } else {
                "user.enable"
            },
            target_type: "users",
            target_id: id.0,
            changes,
        };
        record(&mut transaction, entry).await?;
        transaction.commit().await?;
        self.announce(id).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_searched_for_as_it_is() {
        assert_eq!(containing(" Ann "), "%Ann%");
        assert_eq!(containing("100%_\\"), "%100\\%\\_\\\\%");
        assert_eq!(containing("a\0b"), "%ab%");
        assert_eq!(containing(""), "%%");
    }
}
