-- Models that an operator adds, or changes, while the servers run. One that the settings have too
-- takes its place; what isn't here is as the settings say.
CREATE TABLE models (
    id text PRIMARY KEY CHECK (id ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
    display_name text NOT NULL CHECK (char_length(display_name) BETWEEN 1 AND 80),
    provider text NOT NULL CHECK (provider IN ('ollama', 'openai')),
    kind text NOT NULL CHECK (kind IN ('local', 'cloud')),
    engine_name text NOT NULL CHECK (char_length(engine_name) BETWEEN 1 AND 200),
    -- [{"url", "slots", "weight"}]; no address has credentials in it.
    instances jsonb NOT NULL CHECK (jsonb_typeof(instances) = 'array'),
    context_length integer NOT NULL CHECK (context_length > 0),
    capabilities text[] NOT NULL
        CHECK (capabilities <@ ARRAY['chat', 'tools', 'images', 'json', 'embeddings']),
    price_currency text CHECK (price_currency ~ '^[A-Z]{3}$'),
    -- Millionths of a unit of the currency for a million tokens.
    price_prompt bigint CHECK (price_prompt >= 0),
    price_completion bigint CHECK (price_completion >= 0),
    -- XChaCha20-Poly1305; the key of it is a setting.
    key_cipher bytea CHECK (octet_length(key_cipher) BETWEEN 42 AND 8192),
    purpose text NOT NULL CHECK (char_length(purpose) <= 200),
    enabled boolean NOT NULL,
    position integer NOT NULL CHECK (position BETWEEN 0 AND 100000),
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    -- It can be brought back for a day.
    removed_at timestamptz,
    CHECK (num_nonnulls(price_currency, price_prompt, price_completion) IN (0, 3))
);

-- Instances that get no new requests, on all servers.
CREATE TABLE model_drains (
    model text NOT NULL,
    -- The address, without credentials.
    instance text NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (model, instance)
);
