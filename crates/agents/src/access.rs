//! Who may do what with an agent.
//!
//! | | may see (name, look) | may use | may edit |
//! |---|---|---|---|
//! | nobody signed in | `public` | – | – |
//! | everybody signed in | `public`, `signed_in` | `public`, `signed_in` | – |
//! | its owner | yes | yes | with [`Viewer::manages`] |
//! | a member of its group | `group` | `group` | with [`Viewer::manages`] |
//! | who has [`Viewer::administers`] | as above | as above | yes |
//!
//! To edit is also to see how an agent is made (its instructions, versions, file) and how
//! it is used (statistics). Whatever somebody may not do is "not found". Lists need the
//! rules in SQL, so that is where they are, once: the functions `agent_usable_by` and
//! `agent_editable_by` of the schema, which the planner inlines.

use onelastai_db::{Actor, Origin};
use onelastai_types::UserId;

/// A signed-in person and what is known of their rights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Viewer {
    /// The person.
    pub user: UserId,
    /// Their groups as Keycloak's paths, such as `/research`. Who is in `/research/ai` is
    /// not therefore in `/research`.
    pub groups: Vec<String>,
    /// Holds the permission to create agents, and to edit their own and their groups'.
    pub manages: bool,
    /// May edit every agent.
    pub administers: bool,
}

impl Viewer {
    /// A person without groups or permissions.
    #[must_use]
    pub fn person(user: UserId) -> Self {
        Self {
            user,
            groups: Vec::new(),
            manages: false,
            administers: false,
        }
    }

    /// Whether this person may make new agents at all.
    #[must_use]
    pub fn may_create(&self) -> bool {
        self.manages || self.administers
    }
}

/// Who changes an agent, as the audit log names them.
#[derive(Debug, Clone)]
pub struct Editor {
    /// The person and their rights.
    pub viewer: Viewer,
    /// The username, for the audit log.
    pub name: String,
    /// From where.
    pub origin: Origin,
}

impl Editor {
    pub(crate) fn actor(&self) -> Actor {
        Actor::User {
            id: self.viewer.user.0,
            name: self.name.clone(),
        }
    }
}
