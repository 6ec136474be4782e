//! Who calls the API.

use std::sync::Arc;

use onelastai_identity::{Bearer, Permissions, Rights};
use onelastai_types::{AgentId, ApiKeyId, Currency, Tier, UserId};

use crate::{Scope, Scopes};

/// Who calls the API and what they may do, as of this request.
#[derive(Debug, Clone)]
pub struct ApiCaller {
    /// The person for whom a program calls: the owner of the key, or of the token.
    pub user: UserId,
    /// Keycloak's username.
    pub username: String,
    /// Keycloak's groups, as full paths such as `/staff/editors`.
    pub groups: Vec<String>,
    /// What the person has subscribed to.
    pub tier: Tier,
    /// The key; `None` for an access token of Keycloak.
    pub key: Option<KeyInfo>,
    pub(crate) permissions: Permissions,
    pub(crate) scopes: Scopes,
}

/// What is to be known of a key while a request is answered.
#[derive(Debug, Clone)]
pub struct KeyInfo {
    /// Its id.
    pub id: ApiKeyId,
    /// What its owner calls it.
    pub name: Arc<str>,
    /// Requests in a minute; `None` where only the limits of its owner count.
    pub requests_per_minute: Option<u32>,
    /// Tokens in a minute, those of questions and answers together.
    pub tokens_per_minute: Option<u32>,
    /// What it may cost in a month (UTC), in millionths of one unit of the currency.
    pub monthly_budget_micros: Option<(u64, Currency)>,
    /// The only agents it is for; `None` for all that its owner may use.
    pub agents: Option<Arc<[AgentId]>>,
}

impl ApiCaller {
    /// Whether the caller may do it: the scope is theirs, and the person has the permission
    /// for it now.
    #[must_use]
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(scope) && self.permissions.allow(scope.permission())
    }

    /// The scopes that count now.
    #[must_use]
    pub fn scopes(&self) -> Scopes {
        self.scopes.and(Scopes::of(&self.permissions))
    }

    /// Whether the caller may use this agent, as far as the key goes. Whether the person may
    /// is for the agents to say.
    #[must_use]
    pub fn may_use_agent(&self, agent: AgentId) -> bool {
        self.may(Scope::AgentsUse)
            && self
                .allowed_agents()
                .is_none_or(|agents| agents.contains(&agent))
    }

    /// Whether the caller may use a model without an agent. A key that is for some agents
    /// only is not for that.
    #[must_use]
    pub fn may_use_bare_models(&self) -> bool {
        self.allowed_agents().is_none()
    }

    /// All that the person may do now.
    #[must_use]
    pub fn permissions(&self) -> &Permissions {
        &self.permissions
    }

    /// Of what the token says and of what Keycloak says now, what is in both.
    pub(crate) fn only(mut self, rights: &Rights) -> Self {
        self.permissions = self.permissions.and(rights.permissions());
        self.groups.retain(|group| rights.groups.contains(group));
        self
    }

    fn allowed_agents(&self) -> Option<&[AgentId]> {
        self.key.as_ref()?.agents.as_deref()
    }
}

impl From<Bearer> for ApiCaller {
    /// A token has all scopes: what its person may do is the only limit.
    fn from(bearer: Bearer) -> Self {
        Self {
            permissions: bearer.permissions().clone(),
            scopes: Scopes::all(),
            user: bearer.user,
            username: bearer.username,
            groups: bearer.groups,
            tier: bearer.tier,
            key: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn agent(number: u128) -> AgentId {
        Uuid::from_u128(number).into()
    }

    fn caller(permissions: &str, scopes: &[Scope], agents: Option<Vec<AgentId>>) -> ApiCaller {
        ApiCaller {
            user: Uuid::nil().into(),
            username: "someone".into(),
            groups: Vec::new(),
            tier: Tier::Free,
            key: Some(KeyInfo {
                id: Uuid::nil().into(),
                name: "a key".into(),
                requests_per_minute: None,
                tokens_per_minute: None,
                monthly_budget_micros: None,
                agents: agents.map(Into::into),
            }),
            permissions: serde_json::from_str(permissions).unwrap(),
            scopes: scopes.iter().copied().collect(),
        }
    }

    #[test]
    fn a_scope_counts_only_with_its_owners_permission() {
        let asks = [Scope::ChatWrite, Scope::AdminRead];
        let user = caller(r#"["chat.use"]"#, &asks, None);
        assert!(user.may(Scope::ChatWrite));
        assert!(!user.may(Scope::AdminRead) && !user.may(Scope::ModelsRead));
        let admin = caller(r#"["operations.read"]"#, &asks, None);
        assert!(admin.may(Scope::AdminRead) && !admin.may(Scope::ChatWrite));
        assert!(caller("[]", &Scope::ALL, None).scopes().is_empty());
    }

    #[test]
    fn a_key_for_some_agents_is_for_nothing_else() {
        let all = caller(r#"["chat.use"]"#, &[Scope::AgentsUse], None);
        assert!(all.may_use_agent(agent(1)) && all.may_use_bare_models());
        let one = caller(r#"["chat.use"]"#, &[Scope::AgentsUse], Some(vec![agent(1)]));
        assert!(one.may_use_agent(agent(1)) && !one.may_use_agent(agent(2)));
        assert!(!one.may_use_bare_models());
        let none = caller(r#"["chat.use"]"#, &[Scope::AgentsUse], Some(Vec::new()));
        assert!(!none.may_use_agent(agent(1)));
        let without = caller(r#"["chat.use"]"#, &[Scope::ChatWrite], None);
        assert!(!without.may_use_agent(agent(1)));
    }
}
