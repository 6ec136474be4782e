//! `onelastai keys …`

use std::process::ExitCode;

use clap::Subcommand;
use onelastai_access::{AccessService, KeyState, KeySummary, Trust};
use onelastai_db::{Actor, Origin, connect};
use onelastai_identity::IdentityService;
use onelastai_types::{ApiKeyId, UserId};
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{Done, Failure, output};
use crate::{config::Config, services};

/// API keys.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
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
