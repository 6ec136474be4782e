//! The service: what everything in this crate works with.

use std::{fmt, sync::Arc, time::Instant};

use onelastai_access::{ApiCaller, Scope};
use onelastai_agents::AgentService;
use onelastai_db::{PgPool, new_id};
use onelastai_model_router::{ChatRequest, EmbedRequest, Embeddings, ModelRouter, Policy};
use onelastai_types::AgentId;
use onelastai_usage::{Admission, Ask, Rates, UsageError, UsageService};
use uuid::Uuid;

use crate::{
    GatewayError, Metered,
    bound::Room,
    error::require,
    estimate, key_limits,
    metered::{Meter, embedded, failed},
    target::Targeted,
};

/// Vectors that were made, and counted.
#[derive(Debug)]
pub struct Embedded {
    /// Names the call: `agent_interactions.id`.
    pub id: Uuid,
    /// What is left of the limits.
    pub rates: Rates,
    /// What was made.
    pub embeddings: Embeddings,
}

/// Models and agents for programs. Clones share everything.
#[derive(Clone)]
pub struct GatewayService {
    pub(crate) pool: PgPool,
    pub(crate) agents: AgentService,
    pub(crate) router: ModelRouter,
    pub(crate) usage: UsageService,
}

impl GatewayService {
    /// Everything it needs.
    #[must_use]
    pub fn new(
        pool: PgPool,
        agents: AgentService,
        router: ModelRouter,
        usage: UsageService,
    ) -> Self {
        Self {
            pool,
            agents,
            router,
            usage,
        }
    }

    /// Asks the model or the agent that the only preference of `request` names.
    ///
    /// # Errors
    /// Where the caller may not, there is no such model, a limit is reached, or no model
    /// answers.
    pub async fn chat(
        &self,
        caller: &ApiCaller,
        request: ChatRequest,
    ) -> Result<Metered, GatewayError> {
        require(caller, Scope::ChatWrite)?;
        let mut targeted = self.target(caller, request).await?;
        let prompt_tokens = estimate::prompt(&targeted.request);
        let (admission, longest) = self.admit_answer(caller, &targeted, prompt_tokens).await?;
        targeted.request.parameters.max_tokens = longest;
        let meter = Meter {
            begun: Instant::now(),
            agent: targeted.agent.as_ref().map(|agent| agent.id),
            prompt_tokens,
        };
        match self.router.chat(targeted.request).await {
            Ok(stream) => Ok(Metered::new(stream, self.usage.clone(), admission, meter)),
            Err(error) => {
                self.usage.settle(admission, failed(&meter, &error)).await;
                Err(error.into())
            }
        }
    }

    /// Makes vectors of `texts` with `model`.
    ///
    /// # Errors
    /// As [`Self::chat`].
    pub async fn embed(
        &self,
        caller: &ApiCaller,
        model: String,
        texts: Vec<String>,
        dimensions: Option<u32>,
    ) -> Result<Embedded, GatewayError> {
        require(caller, Scope::EmbeddingsWrite)?;
        self.bare_model(caller, &model)?;
        let prompt_tokens = estimate::texts(&texts);
        let admission = self.admit(caller, &model, None, prompt_tokens, 0).await?;
        let meter = Meter {
            begun: Instant::now(),
            agent: None,
            prompt_tokens,
        };
        let request = EmbedRequest {
            model,
            inputs: texts,
            dimensions,
            policy: Policy {
                user: caller.user.0.as_u128(),
                local_only: false,
                allowed: self.allowed(caller),
                strict: true,
            },
        };
        let mut answer = self.router.embed(request).await;
        let outcome = match &mut answer {
            Ok(embeddings) => embedded(&meter, embeddings),
            Err(error) => failed(&meter, error),
        };
        let (id, rates) = (admission.id(), admission.rates());
        self.usage.settle(admission, outcome).await;
        Ok(Embedded {
            id,
            rates,
            embeddings: answer?,
        })
    }

    /// The models of the caller's tier; `None` for all.
    pub(crate) fn allowed(&self, caller: &ApiCaller) -> Option<Arc<[String]>> {
        let limits = self.usage.limits(caller.tier);
        limits
            .models
            .as_ref()
            .map(|models| models.as_slice().into())
    }

    /// Leave for an answer, and the most tokens that it may have: as asked for, or else as many
    /// as the limits leave; `None` where nothing counts them.
    async fn admit_answer(
        &self,
        caller: &ApiCaller,
        targeted: &Targeted,
        prompt_tokens: u32,
    ) -> Result<(Admission, Option<u32>), GatewayError> {
        let agent = targeted.agent.as_ref().map(|agent| agent.id);
        let admit = |longest| self.admit(caller, &targeted.model, agent, prompt_tokens, longest);
        if let Some(asked) = targeted.request.parameters.max_tokens {
            return Ok((admit(asked).await?, Some(asked)));
        }
        let (limits, key) = (self.usage.limits(caller.tier), key_limits(caller));
        let models = self.router.models();
        let model = models.iter().find(|it| it.id == targeted.model);
        let room = Room::new(&limits, key.as_ref(), model);
        let Some(longest) = room.longest(prompt_tokens) else {
            return Ok((admit(0).await?, None));
        };
        match admit(longest).await {
            Ok(admission) => Ok((admission, Some(longest))),
            // Only where a limit is nearly reached it takes another round trip.
            Err(refused) => match room.left(&refused, prompt_tokens) {
                Some(left) if left < longest => Ok((admit(left).await?, Some(left))),
                _ => Err(refused.into()),
            },
        }
    }

    /// What a request for `model` can cost, in millionths of the currency; 0 where it costs
    /// nothing. An agent's models are not known here: what they cost counts when they have
    /// answered.
    fn most_it_costs(&self, model: &str, prompt_tokens: u32, completion_tokens: u32) -> u64 {
        let models = self.router.models();
        let model = models.iter().find(|it| it.id == model);
        let price = model.and_then(|model| model.price.as_ref());
        price.map_or(0, |price| price.cost(prompt_tokens, completion_tokens))
    }

    async fn admit(
        &self,
        caller: &ApiCaller,
        model: &str,
        agent: Option<AgentId>,
        prompt_tokens: u32,
        max_completion_tokens: u32,
    ) -> Result<Admission, UsageError> {
        let ask = Ask {
            id: new_id(),
            user: caller.user,
            tier: caller.tier,
            key: key_limits(caller),
            prompt_tokens,
            max_completion_tokens,
            agent,
            model: model.to_owned(),
            max_cost_micros: self.most_it_costs(model, prompt_tokens, max_completion_tokens),
        };
        self.usage.admit(ask).await
    }
}

impl fmt::Debug for GatewayService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GatewayService").finish_non_exhaustive()
    }
}
