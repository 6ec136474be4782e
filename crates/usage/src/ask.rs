//! What is asked for, and what became of it.

use onelastai_types::{AgentId, AnswerStatus, ConversationId, Currency, Tier, UserId};
use uuid::Uuid;

/// One request to a model, before it is made.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Of this request: a new UUIDv7. It counts once, however often it is settled.
    pub id: Uuid,
    /// Whose limits hold.
    pub user: UserId,
    /// The tier of that person.
    pub tier: Tier,
    /// The API key's own limits, where it comes with a key.
    pub key: Option<KeyLimits>,
    /// Tokens of the prompt, estimated; better too many than too few.
    pub prompt_tokens: u32,
    /// The answer has at most this many tokens.
    pub max_completion_tokens: u32,
    /// It costs at most this, in millionths of the platform's currency; 0 for a model that
    /// costs nothing.
    pub max_cost_micros: u64,
    /// Who is to answer.
    pub agent: Option<AgentId>,
    /// Our name of the model that is wanted.
    pub model: String,
}

impl Ask {
    /// Everything that it may take, in tokens.
    #[must_use]
    pub fn tokens(&self) -> u64 {
        u64::from(self.prompt_tokens) + u64::from(self.max_completion_tokens)
    }
}

/// The limits of one API key. They hold beside those of its person's tier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyLimits {
    /// The key (`api_keys.id`).
    pub id: Uuid,
    /// Requests in any minute.
    pub requests_per_minute: Option<u32>,
    /// Tokens in any minute, prompt and answer.
    pub tokens_per_minute: Option<u32>,
    /// What a month (UTC) may cost, in millionths of the platform's currency.
    pub monthly_budget_micros: Option<u64>,
}

/// What a request cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Millionths of the currency's unit.
    pub micros: u64,
    /// Of what.
    pub currency: Currency,
}

/// What became of a request: a row of `agent_interactions`.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Our name of the model that answered; none where no model took it.
    pub model: Option<String>,
    /// Where that model runs.
    pub instance: Option<String>,
    /// Why the router took it, in words.
    pub reason: Option<String>,
    /// How it ended.
    pub status: AnswerStatus,
    /// What went wrong, as a stable name.
    pub error_code: Option<String>,
    /// The wait for a free instance, in milliseconds.
    pub waiting_ms: Option<u32>,
    /// From the request to the first token, in milliseconds.
    pub first_token_ms: Option<u32>,
    /// From the request to the end, in milliseconds.
    pub total_ms: u32,
    /// Tokens that the model read.
    pub prompt_tokens: u32,
    /// Tokens that the model wrote.
    pub completion_tokens: u32,
    /// Tries on other instances.
    pub retries: u8,
    /// Whether another model than the wanted one answered.
    pub fallback: bool,
    /// What it cost, where that is known.
    pub cost: Option<Cost>,
    /// Who answered.
    pub agent: Option<AgentId>,
    /// In which conversation.
    pub conversation: Option<ConversationId>,
}

impl Outcome {
    /// One that ended like this; everything else is unknown or nothing.
    #[must_use]
    pub fn ended(status: AnswerStatus, prompt_tokens: u32, completion_tokens: u32) -> Self {
        Self {
            model: None,
            instance: None,
            reason: None,
            status,
            error_code: None,
            waiting_ms: None,
            first_token_ms: None,
            total_ms: 0,
            prompt_tokens,
            completion_tokens,
            retries: 0,
            fallback: false,
            cost: None,
            agent: None,
            conversation: None,
        }
    }
}
