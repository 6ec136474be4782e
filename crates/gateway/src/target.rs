//! Whom a call is for: a model by its name, or an agent with its instructions.

use onelastai_access::{ApiCaller, Scope};
use onelastai_agents::{Agent, Viewer};
use onelastai_model_router::{ChatMessage, ChatRequest, Role};

use crate::{GatewayError, GatewayService, error::require};

/// What the name of an agent begins with where a model's is expected.
pub(crate) const AGENT: &str = "agent/";

/// A call that knows its models.
pub(crate) struct Targeted {
    /// What to ask the router.
    pub(crate) request: ChatRequest,
    /// The agent that answers.
    pub(crate) agent: Option<Agent>,
    /// The model that is wanted most and that the caller's tier has.
    pub(crate) model: String,
}

impl GatewayService {
    /// Looks up what the only preference of `request` names, and fills in what follows from
    /// it and from who calls.
    pub(crate) async fn target(
        &self,
        caller: &ApiCaller,
        mut request: ChatRequest,
    ) -> Result<Targeted, GatewayError> {
        let named = std::mem::take(&mut request.preferences)
            .pop()
            .unwrap_or_default();
        request.policy.user = caller.user.0.as_u128();
        request.policy.allowed = self.allowed(caller);
        if let Some(slug) = named.strip_prefix(AGENT) {
            let agent = self.agent(caller, slug, &named).await?;
            instruct(&mut request, &agent);
            return Ok(Targeted {
                model: self.likely_model(caller, &agent),
                request,
                agent: Some(agent),
            });
        }
        self.bare_model(caller, &named)?;
        // Who names a model gets it or none, wherever it runs.
        request.policy.strict = true;
        request.policy.local_only = false;
        request.preferences = vec![named.clone()];
        Ok(Targeted {
            request,
            agent: None,
            model: named,
        })
    }

    /// Whether the caller may use the model of this name.
    pub(crate) fn bare_model(&self, caller: &ApiCaller, named: &str) -> Result<(), GatewayError> {
        if !caller.may_use_bare_models() {
            return Err(GatewayError::OnlyAgents);
        }
        if self.router.models().iter().any(|model| model.id == named) {
            Ok(())
        } else {
            Err(GatewayError::NotFound(named.to_owned()))
        }
    }

    /// The model that will answer for `agent` when all are well.
    fn likely_model(&self, caller: &ApiCaller, agent: &Agent) -> String {
        let limits = self.usage.limits(caller.tier);
        let preferred = agent
            .model_preferences
            .iter()
            .find(|id| limits.has_model(id));
        if let Some(id) = preferred {
            return id.clone();
        }
        let models = self.router.models();
        let any = models.iter().find(|model| limits.has_model(&model.id));
        any.map(|model| model.id.clone()).unwrap_or_default()
    }

    async fn agent(
        &self,
        caller: &ApiCaller,
        slug: &str,
        named: &str,
    ) -> Result<Agent, GatewayError> {
        require(caller, Scope::AgentsUse)?;
        let agent = self
            .agents
            .by_slug(&viewer(caller), slug)
            .await
            .map_err(|error| GatewayError::of_agent(error, named))?;
        if !caller.may_use_agent(agent.id) {
            return Err(GatewayError::NotFound(named.to_owned()));
        }
        if caller.tier < agent.required_tier {
            return Err(GatewayError::TierRequired(agent.required_tier));
        }
        Ok(agent)
    }
}

/// As the agents know a caller. Nobody edits an agent from here.
pub(crate) fn viewer(caller: &ApiCaller) -> Viewer {
    Viewer {
        groups: caller.groups.clone(),
        ..Viewer::person(caller.user)
    }
}

/// Makes `request` one to `agent`. Its instructions come first; what the caller sets wins over
/// the agent's parameters, except that nobody can send its conversations off the premises.
fn instruct(request: &mut ChatRequest, agent: &Agent) {
    if !agent.system_prompt.is_empty() {
        let prompt = ChatMessage::new(Role::System, agent.system_prompt.clone());
        request.messages.insert(0, prompt);
    }
    let (asked, agents) = (&mut request.parameters, &agent.parameters);
    asked.temperature = asked.temperature.or(agents.temperature);
    asked.top_p = asked.top_p.or(agents.top_p);
    asked.seed = asked.seed.or(agents.seed);
    asked.max_tokens = asked.max_tokens.or(agents.max_tokens);
    request.preferences.clone_from(&agent.model_preferences);
    request.policy.local_only = agent.local_only;
    request.policy.strict = false;
}
