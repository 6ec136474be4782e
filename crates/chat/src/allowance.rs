//! What a person's tier allows of a chat: whether another answer may be made, by which
//! models, and how long it and what is read for it may be.

use std::sync::Arc;

use onelastai_agents::Agent;
use onelastai_types::{Tier, UserId};
use onelastai_usage::{Ask, Rates, TierLimits, UsageError};
use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

use crate::{
    Caller, ChatError, ChatService,
    generate::{MAX_TOKENS, available},
    prompt::{ANSWER_TOKENS, BYTES_PER_TOKEN},
};

/// That an answer may be made, with what it may take at most reserved.
pub(crate) struct Allowance {
    /// What was reserved goes by it.
    reservation: Uuid,
    /// What is left after it.
    pub rates: Rates,
    /// What the tier leaves of the models.
    pub bounds: Bounds,
}

/// What a tier leaves of the models.
#[derive(Clone, Default)]
pub(crate) struct Bounds {
    /// The context that the prompt is made for, where the tier has a limit.
    pub context: Option<u32>,
    /// The only models that may answer; `None` for all.
    pub models: Option<Arc<[String]>>,
}

/// The same send is the same reservation, however often and to however many replicas it
/// comes; what is reserved for a double click counts once.
pub(crate) fn reservation(user: UserId, key: &str) -> Uuid {
    named_by(Sha256::new().chain_update(user.0).chain_update(key))
}

/// The same content has the same name.
pub(crate) fn named_by(content: Sha256) -> Uuid {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&content.finalize()[..16]);
    // UUIDv8 (RFC 9562): made of a hash of our own.
    Builder::from_custom_bytes(bytes).into_uuid()
}

/// The most tokens of an answer of this agent.
fn answer_tokens(agent: &Agent) -> u32 {
    agent.parameters.max_tokens.unwrap_or(MAX_TOKENS)
}

impl ChatService {
    /// Reserves what an answer to `text` may take, and makes the agent one that this person
    /// may use. `None` where the same was asked for before.
    pub(crate) async fn allow(
        &self,
        caller: &Caller,
        (conversation, generation): (Option<Uuid>, Option<Uuid>),
        key: &str,
        text: &str,
        agent: &mut Agent,
    ) -> Result<Option<Allowance>, ChatError> {
        let row = sqlx::query!(
            r#"SELECT subscription_tier,
                   EXISTS (SELECT FROM generations
                           WHERE user_id = u.id AND idempotency_key = $2) AS "before!",
                   (SELECT m.prompt_tokens + m.completion_tokens
                    FROM conversations c JOIN messages m ON m.id = c.current_message_id
                    WHERE c.id = coalesce(
                        $3, (SELECT conversation_id FROM generations WHERE id = $4))) AS so_far
               FROM users u WHERE id = $1"#,
            caller.user.0,
            key,
            conversation,
            generation,
        )
        .fetch_optional(&self.0.pool)
        .await?
        .ok_or(ChatError::NotFound)?;
        if row.before {
            return Ok(None);
        }
        let tier: Tier = row.subscription_tier.parse().unwrap_or_default();
        if tier < agent.required_tier {
            return Err(ChatError::TierRequired(agent.required_tier));
        }
        let limits = self.0.usage.limits_when_read(tier).await;
        let reservation = reservation(caller.user, key);
        let bounds = self.fit(agent, &limits)?;
        let so_far = row.so_far.and_then(|it| usize::try_from(it).ok());
        let told = (agent.system_prompt.len() + text.len()) / BYTES_PER_TOKEN;
        let model = self.first_choice(agent);
        let prompt_tokens = self.prompt_tokens(told + so_far.unwrap_or(0), bounds.context);
        let max_completion_tokens = answer_tokens(agent);
        let ask = Ask {
            id: reservation,
            user: caller.user,
            tier,
            key: caller.key.clone(),
            prompt_tokens,
            max_completion_tokens,
            max_cost_micros: self.most_it_costs(&model, prompt_tokens, max_completion_tokens),
            agent: Some(agent.id),
            model,
        };
        let rates = self.0.usage.reserve(&ask).await?;
        Ok(Some(Allowance {
            reservation,
            rates,
            bounds,
        }))
    }

    /// The answer is not made after all.
    pub(crate) async fn give_back(&self, allowance: &Allowance, caller: &Caller) {
        self.0
            .usage
            .cancel(allowance.reservation, caller.user, caller.key_id())
            .await;
    }

    /// For an answer that was allowed before: its agent as this person may use it.
    pub(crate) async fn fit_again(
        &self,
        caller: &Caller,
        agent: &mut Agent,
    ) -> Result<Bounds, ChatError> {
        let tier = self.tier_of(caller.user).await?;
        let limits = self.0.usage.limits_when_read(tier).await;
        self.fit(agent, &limits)
    }

    /// What this person's plan is.
    pub(crate) async fn tier_of(&self, user: UserId) -> Result<Tier, ChatError> {
        let tier = sqlx::query_scalar!("SELECT subscription_tier FROM users WHERE id = $1", user.0)
            .fetch_optional(&self.0.pool)
            .await?
            .ok_or(ChatError::NotFound)?;
        Ok(tier.parse().unwrap_or_default())
    }

    /// The agent with the tier's models only, and with answers that leave half of the tier's
    /// context for what is read. Tells for which context the prompt has to be made then.
    fn fit(&self, agent: &mut Agent, limits: &TierLimits) -> Result<Bounds, ChatError> {
        if limits.models.is_some() {
            let mut models = available(&self.0.router, agent);
            models.retain(|model| limits.has_model(model));
            if models.is_empty() {
                let all = self.0.router.models();
                let names = all.iter().map(|model| model.id.clone());
                models = names.filter(|model| limits.has_model(model)).collect();
            }
            if models.is_empty() {
                return Err(UsageError::ModelNotInTier.into());
            }
            agent.model_preferences = models;
        }
        let models = limits
            .models
            .as_ref()
            .map(|models| models.as_slice().into());
        let Some(context) = limits.max_context_tokens else {
            return Ok(Bounds {
                context: None,
                models,
            });
        };
        let answer = answer_tokens(agent).min(context / 2).max(1);
        agent.parameters.max_tokens = Some(answer);
        let context = context.saturating_sub(answer).saturating_add(ANSWER_TOKENS);
        Ok(Bounds {
            context: Some(context),
            models,
        })
    }

    /// As much of the prompt as fits: the rest is not sent to the model.
    fn prompt_tokens(&self, wanted: usize, context: Option<u32>) -> u32 {
        let models = self.0.router.models();
        let contexts = models.iter().map(|model| model.context_length);
        let context = contexts.chain(context).min().unwrap_or(u32::MAX);
        let wanted = u32::try_from(wanted).unwrap_or(u32::MAX);
        wanted.min(context.saturating_sub(ANSWER_TOKENS))
    }

    /// What an answer of `model` can cost, in millionths of the currency; what another one that
    /// answers in its place costs counts when it has answered.
    fn most_it_costs(&self, model: &str, prompt_tokens: u32, completion_tokens: u32) -> u64 {
        let models = self.0.router.models();
        let model = models.iter().find(|it| it.id == model);
        let price = model.and_then(|model| model.price.as_ref());
        price.map_or(0, |price| price.cost(prompt_tokens, completion_tokens))
    }

    fn first_choice(&self, agent: &Agent) -> String {
        let preferred = available(&self.0.router, agent).into_iter().next();
        let any = || self.0.router.models().first().map(|it| it.id.clone());
        preferred.or_else(any).unwrap_or_default()
    }
}
