-- What each tier may use. Null: no limit.
CREATE TABLE tier_limits (
    tier text PRIMARY KEY CHECK (tier IN ('free', 'pro', 'enterprise')),
    requests_per_minute integer CHECK (requests_per_minute > 0),
    -- Prompt and answer together, as all tokens here.
    tokens_per_minute integer CHECK (tokens_per_minute > 0),
    -- Days are days of UTC.
    requests_per_day integer CHECK (requests_per_day > 0),
    tokens_per_day bigint CHECK (tokens_per_day > 0),
    -- The most tokens of one request, prompt and answer.
    max_context_tokens integer CHECK (max_context_tokens > 0),
    -- The most agents of one's own.
    max_agents integer CHECK (max_agents >= 0),
    -- Our names of models; null: every model that is set up.
    models text[] CHECK (cardinality(models) > 0 AND array_position(models, NULL) IS NULL),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE TRIGGER tier_limits_updated_at BEFORE UPDATE ON tier_limits
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();

INSERT INTO tier_limits
    (tier, requests_per_minute, tokens_per_minute, requests_per_day, tokens_per_day,
     max_context_tokens, max_agents)
VALUES
    ('free', 60, 60000, 1000, 1000000, 16384, 20),
    ('pro', 300, 300000, 20000, 10000000, 65536, 200),
    ('enterprise', NULL, NULL, NULL, NULL, NULL, NULL);

ALTER TABLE agent_interactions
    -- No foreign key: it would need an index that every answer pays for, and a key goes
    -- only with its person.
    ADD COLUMN api_key_id uuid,
    -- Millionths of the currency's unit: one answer costs less than a cent.
    ADD COLUMN cost_micros bigint CHECK (cost_micros >= 0),
    DROP CONSTRAINT agent_interactions_check,
    ADD CONSTRAINT agent_interactions_cost_check
        CHECK ((coalesce(cost_micros, cost_minor) IS NULL) = (cost_currency IS NULL));

-- A day's use (UTC) of one API key.
CREATE TABLE api_key_usage (
    api_key_id uuid NOT NULL REFERENCES api_keys ON DELETE CASCADE,
    day date NOT NULL,
    requests bigint NOT NULL DEFAULT 0 CHECK (requests >= 0),
    prompt_tokens bigint NOT NULL DEFAULT 0 CHECK (prompt_tokens >= 0),
    completion_tokens bigint NOT NULL DEFAULT 0 CHECK (completion_tokens >= 0),
    cost_micros bigint NOT NULL DEFAULT 0 CHECK (cost_micros >= 0),
    PRIMARY KEY (api_key_id, day)
);
