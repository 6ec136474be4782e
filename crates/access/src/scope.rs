//! What a key is for. A scope never gives a right: it only lets through what its owner may do
//! anyway.

use std::{fmt, str::FromStr};

use onelastai_identity::{Permission, Permissions};
use serde::Serialize;

/// The name of a scope that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no scope is called {0:?}")]
pub struct UnknownScope(String);

/// One thing that a key can be for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Scope {
    /// List the models.
    ModelsRead,
    /// Ask agents, not only bare models.
    AgentsUse,
    /// Have answers written.
    ChatWrite,
    /// Have embeddings made.
    EmbeddingsWrite,
    /// Read conversations, and responses that were kept.
    ConversationsRead,
    /// Begin, change and delete conversations; delete responses that were kept.
    ConversationsWrite,
    /// Read how the servers, the models and the jobs are.
    AdminRead,
}

/// What is known of a scope: its name, which is kept in the database and never changes, what
/// its owner must be allowed, and what it is in words.
struct About {
    scope: Scope,
    name: &'static str,
    permission: Permission,
    words: &'static str,
}

const TABLE: [About; 7] = [
    About {
        scope: Scope::ModelsRead,
        name: "models.read",
        permission: Permission::ChatUse,
        words: "List the models",
    },
    About {
        scope: Scope::AgentsUse,
        name: "agents.use",
        permission: Permission::ChatUse,
        words: "Ask agents",
    },
    About {
        scope: Scope::ChatWrite,
        name: "chat.write",
        permission: Permission::ChatUse,
        words: "Have answers written",
    },
    About {
        scope: Scope::EmbeddingsWrite,
        name: "embeddings.write",
        permission: Permission::ChatUse,
        words: "Make embeddings",
    },
    About {
        scope: Scope::ConversationsRead,
        name: "conversations.read",
        permission: Permission::ChatUse,
        words: "Read conversations and kept responses",
    },
    About {
        scope: Scope::ConversationsWrite,
        name: "conversations.write",
        permission: Permission::ChatUse,
        words: "Begin, change and delete conversations, delete kept responses",
    },
    About {
        scope: Scope::AdminRead,
        name: "admin.read",
        permission: Permission::OperationsRead,
        words: "Read how the servers are",
    },
];

impl Scope {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; TABLE.len()] = [
        Self::ModelsRead,
        Self::AgentsUse,
        Self::ChatWrite,
        Self::EmbeddingsWrite,
        Self::ConversationsRead,
        Self::ConversationsWrite,
        Self::AdminRead,
    ];

    fn about(self) -> &'static About {
        &TABLE[self as usize]
    }

    /// Its name, such as `chat.write`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.about().name
    }

    /// What its owner must be allowed for it to count.
    #[must_use]
    pub fn permission(self) -> Permission {
        self.about().permission
    }

    /// What it is for, in words for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        self.about().words
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(name: &str) -> Result<Self, UnknownScope> {
        TABLE
            .iter()
            .find(|about| about.name == name)
            .map(|about| about.scope)
            .ok_or_else(|| UnknownScope(name.to_owned()))
    }
}

impl Serialize for Scope {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// Some scopes.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Scopes(u8);

impl Scopes {
    /// Every one there is.
    #[must_use]
    pub fn all() -> Self {
        Scope::ALL.into_iter().collect()
    }

    /// Those that count for somebody with these permissions.
    #[must_use]
    pub fn of(permissions: &Permissions) -> Self {
        Scope::ALL
            .into_iter()
            .filter(|scope| permissions.allow(scope.permission()))
            .collect()
    }

    /// Those of these names. A name that this version does not know allows nothing.
    #[must_use]
    pub fn of_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        names
            .into_iter()
            .filter_map(|name| name.parse::<Scope>().ok())
            .collect()
    }

    /// Whether `scope` is among them.
    #[must_use]
    pub fn contains(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// Those that are in both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Each of them once, in the order of [`Scope::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL
            .into_iter()
            .filter(move |scope| self.contains(*scope))
    }

    /// Their names, as the database has them.
    #[must_use]
    pub fn names(self) -> Vec<String> {
        self.iter().map(|scope| scope.name().to_owned()).collect()
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | scope.bit()))
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Scope::name)).finish()
    }
}

impl Serialize for Scopes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_scopes() {
        for (place, scope) in Scope::ALL.into_iter().enumerate() {
            assert_eq!(TABLE[place].scope, scope);
            assert_eq!(scope as usize, place);
            assert_eq!(scope.name().parse(), Ok(scope));
        }
    }

    #[test]
    fn names_that_are_not_known_allow_nothing() {
        for name in ["", "*", "admin", "admin.*", "ADMIN.READ", " admin.read"] {
            assert!(name.parse::<Scope>().is_err(), "{name:?}");
        }
        let some = Scopes::of_names(["chat.write", "admin.write", "chat.write"]);
        assert_eq!(some.names(), ["chat.write"]);
        assert!(!some.contains(Scope::AdminRead));
        assert!(Scopes::of_names(["*"]).is_empty());
    }

    #[test]
    fn nobody_has_scopes_without_permissions() {
        assert!(Scopes::of(&Permissions::default()).is_empty());
        let user: Permissions = serde_json::from_str(r#"["chat.use"]"#).unwrap();
        assert!(Scopes::of(&user).contains(Scope::ConversationsWrite));
        assert!(!Scopes::of(&user).contains(Scope::AdminRead));
        assert_eq!(Scopes::all().and(Scopes::of(&user)), Scopes::of(&user));
    }
}
