CREATE TABLE subscriptions (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users ON DELETE RESTRICT,
    provider text NOT NULL CHECK (provider IN ('stripe', 'lemon_squeezy', 'paypal')),
    provider_customer_id text,
    provider_subscription_id text,
    tier text NOT NULL CHECK (tier IN ('free', 'pro', 'enterprise')),
    status text NOT NULL CHECK (status IN
        ('pending', 'trialing', 'active', 'past_due', 'paused', 'canceling', 'ended')),
    -- In whole minor units (cents, yen) of the currency (ISO 4217).
    amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    billing_interval text NOT NULL CHECK (billing_interval IN ('month', 'year')),
    current_period_start timestamptz,
    current_period_end timestamptz,
    trial_ends_at timestamptz,
    grace_until timestamptz,
    cancel_at timestamptz,
    ended_at timestamptz,
    metadata jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(metadata) = 'object'),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT subscriptions_provider_key UNIQUE (provider, provider_subscription_id),
    CHECK (current_period_end > current_period_start),
    CHECK ((status = 'ended') = (ended_at IS NOT NULL))
);
-- One live subscription for a person, over all providers.
CREATE UNIQUE INDEX subscriptions_one_live_key ON subscriptions (user_id)
    WHERE status IN ('trialing', 'active', 'past_due', 'paused', 'canceling');
CREATE INDEX subscriptions_user_id_idx ON subscriptions (user_id, created_at DESC);
CREATE INDEX subscriptions_period_end_idx ON subscriptions (current_period_end)
    WHERE status <> 'ended';
CREATE TRIGGER subscriptions_updated_at BEFORE UPDATE ON subscriptions
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();

-- A day's use (UTC) of one agent's one model by one person.
CREATE TABLE usage_metrics (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    agent_id uuid REFERENCES agents ON DELETE SET NULL,
    model text NOT NULL,
    day date NOT NULL,
    requests bigint NOT NULL DEFAULT 0 CHECK (requests >= 0),
    errors bigint NOT NULL DEFAULT 0 CHECK (errors >= 0),
    prompt_tokens bigint NOT NULL DEFAULT 0 CHECK (prompt_tokens >= 0),
    completion_tokens bigint NOT NULL DEFAULT 0 CHECK (completion_tokens >= 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT usage_metrics_key UNIQUE NULLS NOT DISTINCT (user_id, agent_id, model, day)
);
CREATE INDEX usage_metrics_agent_id_idx ON usage_metrics (agent_id, day);
CREATE INDEX usage_metrics_day_idx ON usage_metrics (day);
CREATE TRIGGER usage_metrics_updated_at BEFORE UPDATE ON usage_metrics
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();

CREATE TABLE api_keys (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
    -- The first characters, to recognise a key by; the key itself is never stored.
    prefix text NOT NULL,
    key_hash bytea NOT NULL CHECK (octet_length(key_hash) = 32),
    scopes text[] NOT NULL CHECK (cardinality(scopes) > 0),
    -- Null: every agent that its person may use.
    agent_ids uuid[],
    -- Null: from anywhere.
    networks cidr[],
    requests_per_minute integer CHECK (requests_per_minute > 0),
    tokens_per_minute integer CHECK (tokens_per_minute > 0),
    monthly_budget_minor bigint CHECK (monthly_budget_minor >= 0),
    budget_currency text CHECK (budget_currency ~ '^[A-Z]{3}$'),
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT api_keys_key_hash_key UNIQUE (key_hash),
    CHECK ((monthly_budget_minor IS NULL) = (budget_currency IS NULL))
);
CREATE INDEX api_keys_user_id_idx ON api_keys (user_id, created_at DESC);
CREATE TRIGGER api_keys_updated_at BEFORE UPDATE ON api_keys
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();

-- One row for each answer that ended, however it ended.
CREATE TABLE agent_interactions (
    id uuid PRIMARY KEY,
    agent_id uuid REFERENCES agents ON DELETE SET NULL,
    user_id uuid REFERENCES users ON DELETE SET NULL,
    conversation_id uuid REFERENCES conversations ON DELETE SET NULL,
    generation_id uuid REFERENCES generations ON DELETE SET NULL,
    model text,
    instance text,
    reason text,
    status text NOT NULL CHECK (status IN ('complete', 'stopped', 'failed', 'interrupted')),
    error_code text,
    waiting_ms integer CHECK (waiting_ms >= 0),
    first_token_ms integer CHECK (first_token_ms >= 0),
    total_ms integer NOT NULL CHECK (total_ms >= 0),
    prompt_tokens integer NOT NULL DEFAULT 0 CHECK (prompt_tokens >= 0),
    completion_tokens integer NOT NULL DEFAULT 0 CHECK (completion_tokens >= 0),
    retries smallint NOT NULL DEFAULT 0 CHECK (retries >= 0),
    fallback boolean NOT NULL DEFAULT false,
    cost_minor bigint CHECK (cost_minor >= 0),
    cost_currency text CHECK (cost_currency ~ '^[A-Z]{3}$'),
    feedback smallint CHECK (feedback IN (-1, 1)),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    -- Settled once.
    CONSTRAINT agent_interactions_generation_key UNIQUE (generation_id),
    CHECK ((cost_minor IS NULL) = (cost_currency IS NULL))
);
CREATE INDEX agent_interactions_agent_id_idx ON agent_interactions (agent_id, created_at DESC);
CREATE INDEX agent_interactions_user_id_idx ON agent_interactions (user_id, created_at DESC);
CREATE INDEX agent_interactions_conversation_id_idx ON agent_interactions (conversation_id);
CREATE INDEX agent_interactions_created_at_idx ON agent_interactions USING brin (created_at);
CREATE TRIGGER agent_interactions_updated_at BEFORE UPDATE ON agent_interactions
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();

-- Who did what. No foreign keys: the log outlives everything that it tells of.
CREATE TABLE audit_logs (
    id uuid PRIMARY KEY,
    occurred_at timestamptz NOT NULL DEFAULT now(),
    actor_id uuid,
    -- The name at the time, or the program ("onelastai db migrate").
    actor text NOT NULL,
    action text NOT NULL CHECK (action ~ '^[a-z_]+\.[a-z_]+$'),
    target_type text,
    target_id uuid,
    address inet,
    user_agent text,
    -- {"field": [before, after], …}
    changes jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(changes) = 'object')
);
CREATE INDEX audit_logs_occurred_at_idx ON audit_logs (occurred_at DESC, id DESC);
CREATE INDEX audit_logs_actor_id_idx ON audit_logs (actor_id, occurred_at DESC);
CREATE INDEX audit_logs_target_idx ON audit_logs (target_type, target_id, occurred_at DESC);
CREATE INDEX audit_logs_action_idx ON audit_logs (action, occurred_at DESC);
CREATE TRIGGER audit_logs_append_only BEFORE UPDATE OR DELETE ON audit_logs
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_logs_no_truncate BEFORE TRUNCATE ON audit_logs
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
