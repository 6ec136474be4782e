//! `onelastai keys …`

use std::process::ExitCode;

use clap::Subcommand;
use onelastai_access::{
    AccessService, KeyDraft, KeyState, KeySummary, Owner, Scope, Scopes, Trust,
};
use onelastai_db::{Actor, Origin, connect};
use onelastai_identity::IdentityService;
use onelastai_types::{ApiKeyId, UserId};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

use super::{Done, Failure, output};
use crate::{config::Config, services};

/// API keys.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a key for somebody; it is printed once and never again.
    Create {
        /// Keycloak's username.
        #[arg(long)]
        user: String,
        /// What the key is called.
        #[arg(long)]
        name: String,
        /// What it is for, such as `chat.write`; all that the person may do, where none is
        /// named.
        #[arg(long = "scope", value_delimiter = ',')]
        scopes: Vec<String>,
        /// After so many days it ends by itself.
        #[arg(long)]
        days: Option<u32>,
    },
    /// Show the keys of an account, the newest first. The keys themselves are not known.
    List {
        /// Whose: a username, or an account's id.
        #[arg(long)]
        user: String,
    },
    /// Take a key back: no replica lets it in any more.
    Revoke {
        /// Its id, as `list` shows it.
        id: ApiKeyId,
    },
}

pub(super) async fn run(command: Command, config: &Config, json: bool) -> Done {
    let pool = connect(&config.database.pool()).await?;
    let identity = services::identity(config, pool.clone())?;
    let (client, connection) = services::redis(&config.redis_url)?;
    let access = AccessService::new(identity.clone(), pool, client, connection, Trust::default());
    match command {
        Command::Create {
            user,
            name,
            scopes,
            days,
        } => {
            let owner = owner(&identity, user).await?;
            let draft = draft(&owner, name, &scopes, days)?;
            let made = access.create(&owner, Uuid::new_v4(), draft).await?;
            let key = made.key.expose();
            if json {
                output::json(&json!({
                    "id": made.id,
                    "name": made.name,
                    "key": key,
                    "scopes": made.scopes.names(),
                    "expires_at": made.expires_at.and_then(|at| at.format(&Rfc3339).ok()),
                }));
            } else {
                output::text(key);
            }
        }
        Command::List { user } => {
            let user = account(&identity, &user).await?;
            let keys = access.list(user).await?;
            let now = OffsetDateTime::now_utc();
            if json {
                let keys: Vec<_> = keys.iter().map(|key| value(key, now)).collect();
                output::json(&keys);
            } else {
                for key in &keys {
                    output::text(&line(key, now));
                }
            }
        }
        Command::Revoke { id } => {
            let actor = Actor::Program("onelastai keys revoke");
            access.revoke_any(id, actor, &Origin::default()).await?;
            if json {
                output::json(&json!({ "revoked": id }));
            } else {
                output::text(&format!("revoked {id}"));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Somebody for whom an operator acts, with what they may do now.
async fn owner(identity: &IdentityService, username: String) -> Result<Owner, Failure> {
    let user = identity.account_named(&username).await?;
    let rights = identity.rights(user).await?;
    Ok(Owner {
        user,
        username,
        groups: rights.groups.clone(),
        permissions: rights.permissions().clone(),
        origin: Origin::default(),
        program: Some("onelastai keys create"),
    })
}

/// A key without limits of its own.
fn draft(
    owner: &Owner,
    name: String,
    scopes: &[String],
    days: Option<u32>,
) -> Result<KeyDraft, Failure> {
    let scopes = if scopes.is_empty() {
        Scopes::of(&owner.permissions)
    } else {
        let scopes = scopes.iter().map(|name| name.parse::<Scope>());
        scopes.collect::<Result<_, _>>()?
    };
    let until = |days: u32| OffsetDateTime::now_utc() + Duration::days(days.into());
    Ok(KeyDraft {
        name,
        scopes,
        agents: None,
        networks: None,
        requests_per_minute: None,
        tokens_per_minute: None,
        monthly_budget: None,
        expires_at: days.map(until),
    })
}

async fn account(identity: &IdentityService, user: &str) -> Result<UserId, Failure> {
    if let Ok(id) = user.parse::<UserId>() {
        return Ok(identity.user(id).await?.id);
    }
    let mut page = 0;
    loop {
        let found = identity.search_users(user, page).await?;
        if let Some(account) = found.accounts.iter().find(|it| it.username == user) {
            return Ok(account.id);
        }
        if !found.more {
            return Err(format!("no account has the username {user}").into());
        }
        page += 1;
    }
}

fn state(key: &KeySummary, now: OffsetDateTime) -> &'static str {
    match key.state(now) {
        KeyState::Good => "good",
        KeyState::Overlapping(_) => "overlapping",
        KeyState::Replaced => "replaced",
        KeyState::Expired => "expired",
        KeyState::Revoked => "revoked",
    }
}

fn text(at: Option<OffsetDateTime>) -> Option<String> {
    at.and_then(|at| at.truncate_to_second().format(&Rfc3339).ok())
}

fn value(key: &KeySummary, now: OffsetDateTime) -> Value {
    json!({
        "id": key.id,
        "name": key.name,
        "prefix": key.prefix,
        "state": state(key, now),
        "scopes": key.scopes,
        "agents": key.agents,
        "networks": key.networks.as_ref().map(|networks| {
            networks.iter().map(ToString::to_string).collect::<Vec<_>>()
        }),
        "created_at": text(Some(key.created_at)),
        "expires_at": text(key.expires_at),
        "overlap_until": text(key.overlap_until),
        "revoked_at": text(key.revoked_at),
        "last_used_at": text(key.last_used_at),
        "replaced_by": key.replaced_by,
        "this_month": {
            "requests": key.this_month.requests,
            "prompt_tokens": key.this_month.prompt_tokens,
            "completion_tokens": key.this_month.completion_tokens,
            "cost_micros": key.this_month.cost_micros,
        },
    })
}

/// One line of a list. Names have no control characters.
fn line(key: &KeySummary, now: OffsetDateTime) -> String {
    format!(
        "{}  {}…  {:11}  last used {}  {}  {}",
        key.id,
        key.prefix,
        state(key, now),
        text(key.last_used_at).unwrap_or_else(|| "never".to_owned()),
        key.scopes.names().join(","),
        key.name,
    )
}
