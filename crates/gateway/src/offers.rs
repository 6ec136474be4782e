//! What a caller may name as a model.

use onelastai_access::{ApiCaller, Scope};

use crate::{
    GatewayError, GatewayService,
    error::require,
    target::{AGENT, viewer},
};

/// A model or an agent that this caller may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// What to name it: `llama3.2`, or `agent/{slug}`.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// What it is good for.
    pub description: String,
    /// The longest conversation that it can read, in tokens; `None` for agents, whose models
    /// differ.
    pub context_length: Option<u32>,
    /// Whether it is an agent.
    pub is_agent: bool,
}

impl GatewayService {
    /// All of them: models first, then agents.
    ///
    /// # Errors
    /// [`GatewayError::Forbidden`] without the scope; as any query.
    pub async fn offers(&self, caller: &ApiCaller) -> Result<Vec<Offer>, GatewayError> {
        require(caller, Scope::ModelsRead)?;
        let mut offers = self.model_offers(caller);
        if caller.may(Scope::AgentsUse) {
            let agents = self.agents.list(&viewer(caller)).await;
            let agents = agents.map_err(|error| GatewayError::of_agent(error, ""))?;
            offers.extend(
                agents
                    .into_iter()
                    .filter(|agent| {
                        caller.may_use_agent(agent.id) && agent.required_tier <= caller.tier
                    })
                    .map(|agent| Offer {
                        id: format!("{AGENT}{}", agent.slug),
                        name: agent.name,
                        description: agent.description,
                        context_length: None,
                        is_agent: true,
                    }),
            );
        }
        Ok(offers)
    }

    fn model_offers(&self, caller: &ApiCaller) -> Vec<Offer> {
        if !caller.may_use_bare_models() {
            return Vec::new();
        }
        let limits = self.usage.limits(caller.tier);
        let models = self.router.models();
        models
            .iter()
            .filter(|model| limits.has_model(&model.id))
            .map(|model| Offer {
                id: model.id.clone(),
                name: model.display_name.clone(),
                description: model.purpose.clone(),
                context_length: Some(model.context_length),
                is_agent: false,
            })
            .collect()
    }
}
