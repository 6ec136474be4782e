//! What somebody wants a key to be, and what is wrong with that.

use std::net::{IpAddr, Ipv6Addr};

use onelastai_identity::Permissions;
use onelastai_types::{AgentId, Money};
use sqlx::types::ipnetwork::{IpNetwork, Ipv4Network};
use time::OffsetDateTime;

use crate::{FieldError, Scopes};

/// The longest name, in characters.
pub const LONGEST_NAME: usize = 80;
const MOST_AGENTS: usize = 50;
const MOST_NETWORKS: usize = 20;
const MOST_REQUESTS: u32 = 1_000_000;
const MOST_TOKENS: u32 = 1_000_000_000;
/// In minor units; far below what millionths of a unit can count.
const MOST_BUDGET: i64 = 1_000_000_000_000;

/// What a key is to be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyDraft {
    /// What its owner calls it: 1 to 80 characters on one line.
    pub name: String,
    /// What it is for: at least one scope, each of which counts for its owner now.
    pub scopes: Scopes,
    /// The only agents it is for, each of which its owner may use; `None` for all.
    pub agents: Option<Vec<AgentId>>,
    /// The only networks it may be used from; `None` for anywhere.
    pub networks: Option<Vec<IpNetwork>>,
    /// Requests in a minute, from 1 on.
    pub requests_per_minute: Option<u32>,
    /// Tokens in a minute, from 1 on.
    pub tokens_per_minute: Option<u32>,
    /// What it may cost in a month (UTC).
    pub monthly_budget: Option<Money>,
    /// When it ends by itself.
    pub expires_at: Option<OffsetDateTime>,
}

/// Reads a network such as `192.0.2.0/24` or `2001:db8::/32`, or a single address. Bits to the
/// right of the prefix are dropped.
#[must_use]
pub fn network(text: &str) -> Option<IpNetwork> {
    let network: IpNetwork = text.trim().parse().ok()?;
    if let IpAddr::V6(address) = network.network()
        && let Some(mapped) = mapped(address, network.prefix())
    {
        return Some(IpNetwork::V4(mapped));
    }
    IpNetwork::new(network.network(), network.prefix()).ok()
}

/// `::ffff:192.0.2.0/120` means `192.0.2.0/24`, as clients are told apart by their IPv4
/// address.
fn mapped(address: Ipv6Addr, prefix: u8) -> Option<Ipv4Network> {
    let prefix = prefix.checked_sub(96)?;
    Ipv4Network::new(address.to_ipv4_mapped()?, prefix).ok()
}

impl KeyDraft {
    /// The draft as it can be kept, or everything that is wrong with it.
    pub(crate) fn checked(
        mut self,
        permissions: &Permissions,
        now: OffsetDateTime,
    ) -> Result<Self, Vec<FieldError>> {
        let mut wrong = Vec::new();
        let mut add = |field: &'static str, message: String| {
            wrong.push(FieldError { field, message });
        };
        self.name = self.name.trim().to_owned();
        if self.name.is_empty() {
            add("name", "Give it a name that tells where it is used.".into());
        } else if self.name.chars().count() > LONGEST_NAME {
            add("name", format!("Use at most {LONGEST_NAME} characters."));
        } else if self.name.chars().any(is_hidden) {
            add("name", "Write the name without control characters.".into());
        }
        let own = Scopes::of(permissions);
        if self.scopes.is_empty() {
            add("scopes", "Choose what it is for.".into());
        }
        for scope in self.scopes.iter().filter(|scope| !own.contains(*scope)) {
            let words = scope.words();
            add(
                "scopes",
                format!("You may not do this yourself: “{words}”."),
            );
        }
        if let Some(agents) = &mut self.agents {
            agents.sort_unstable();
            agents.dedup();
            if agents.is_empty() {
                add(
                    "agents",
                    "Choose at least one agent, or all of them.".into(),
                );
            } else if agents.len() > MOST_AGENTS {
                add("agents", format!("Choose at most {MOST_AGENTS} agents."));
            } else if !self.scopes.contains(crate::Scope::AgentsUse) {
                let words = crate::Scope::AgentsUse.words();
                add("agents", format!("A key for agents needs “{words}” above."));
            }
        }
        if let Some(networks) = &mut self.networks {
            networks.sort_unstable();
            networks.dedup();
            if networks.is_empty() {
                self.networks = None;
            } else if networks.len() > MOST_NETWORKS {
                add(
                    "networks",
                    format!("Write at most {MOST_NETWORKS} networks."),
                );
            }
        }
        let mut range = |field, limit: Option<u32>, most: u32| {
            if limit.is_some_and(|limit| !(1..=most).contains(&limit)) {
                add(field, format!("Use a whole number from 1 to {most}."));
            }
        };
        range(
            "requests_per_minute",
            self.requests_per_minute,
            MOST_REQUESTS,
        );
        range("tokens_per_minute", self.tokens_per_minute, MOST_TOKENS);
        if self
            .monthly_budget
            .is_some_and(|budget| !(1..=MOST_BUDGET).contains(&budget.minor))
        {
            add("monthly_budget", "Use an amount above 0.".into());
        }
        if self.expires_at.is_some_and(|at| at <= now) {
            add("expires_at", "Choose a day that is still to come.".into());
        }
        if wrong.is_empty() {
            Ok(self)
        } else {
            Err(wrong)
        }
    }
}

/// What would make a name look like something else.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;
    use crate::Scope;

    const NOW: OffsetDateTime = datetime!(2026-11-27 12:00 UTC);

    fn user() -> Permissions {
        serde_json::from_str(r#"["chat.use","keys.manage_own"]"#).unwrap()
    }

    fn good() -> KeyDraft {
        KeyDraft {
            name: "  Laptop ".into(),
            scopes: Scopes::from_iter([Scope::ChatWrite, Scope::AgentsUse]),
            ..KeyDraft::default()
        }
    }

    fn fields(draft: KeyDraft) -> Vec<&'static str> {
        let wrong = draft.checked(&user(), NOW).unwrap_err();
        wrong.into_iter().map(|error| error.field).collect()
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let draft = KeyDraft {
            name: "a\u{202e}b".into(),
            scopes: [Scope::ChatWrite, Scope::AdminRead].into_iter().collect(),
            agents: Some(vec![Uuid::nil().into()]),
            networks: Some(
                (0..21)
                    .map(|n| network(&format!("10.0.0.{n}")).unwrap())
                    .collect(),
            ),
            requests_per_minute: Some(0),
            tokens_per_minute: Some(u32::MAX),
            monthly_budget: Some(Money {
                minor: 0,
                currency: "EUR".parse().unwrap(),
            }),
            expires_at: Some(NOW),
        };
        assert_eq!(
            fields(draft),
            [
                "name",
                "scopes",
                "agents",
                "networks",
                "requests_per_minute",
                "tokens_per_minute",
                "monthly_budget",
                "expires_at"
            ]
        );
        let empty = KeyDraft {
            agents: Some(Vec::new()),
            ..KeyDraft::default()
        };
        assert_eq!(fields(empty), ["name", "scopes", "agents"]);
        let long = KeyDraft {
            name: "é".repeat(LONGEST_NAME + 1),
            ..good()
        };
        assert_eq!(fields(long), ["name"]);
    }

    #[test]
    fn what_is_right_is_tidied() {
        let draft = KeyDraft {
            networks: Some(vec![network("10.1.2.3/8").unwrap(); 2]),
            ..good()
        };
        let kept = draft.checked(&user(), NOW).unwrap();
        assert_eq!(kept.name, "Laptop");
        assert_eq!(kept.networks.unwrap().len(), 1);
        let nowhere = KeyDraft {
            networks: Some(Vec::new()),
            ..good()
        };
        assert_eq!(nowhere.checked(&user(), NOW).unwrap().networks, None);
    }

    #[test]
    fn networks_are_read_as_they_are_written() {
        let read = |text: &str| network(text).map(|network| network.to_string());
        assert_eq!(read("10.1.2.3/8").as_deref(), Some("10.0.0.0/8"));
        assert_eq!(read(" 192.0.2.7 ").as_deref(), Some("192.0.2.7/32"));
        assert_eq!(read("2001:db8::1/32").as_deref(), Some("2001:db8::/32"));
        assert_eq!(
            read("::ffff:192.0.2.9/120").as_deref(),
            Some("192.0.2.0/24")
        );
        for wrong in [
            "",
            "localhost",
            "10.0.0/8",
            "10.0.0.0/33",
            "0x7f.1",
            "::/129",
        ] {
            assert_eq!(read(wrong), None, "{wrong:?}");
        }
    }
}
