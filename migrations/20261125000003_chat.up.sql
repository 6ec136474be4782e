CREATE TABLE agents (
    id uuid PRIMARY KEY,
    -- Null: it came with the platform.
    owner_id uuid REFERENCES users ON DELETE SET NULL,
    -- One label of a host name (RFC 1123): the agent's place is http://{slug}.…
    slug text NOT NULL CHECK (slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
    description text NOT NULL DEFAULT '' CHECK (length(description) <= 500),
    system_prompt text NOT NULL DEFAULT '' CHECK (length(system_prompt) <= 100000),
    -- Our names of models, the best first; empty: the router's own order.
    model_preferences text[] NOT NULL DEFAULT '{}'
        CHECK (array_position(model_preferences, NULL) IS NULL),
    -- Never sent to a cloud model.
    local_only boolean NOT NULL DEFAULT true,
    parameters jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(parameters) = 'object'),
    starters text[] NOT NULL DEFAULT '{}' CHECK (cardinality(starters) <= 8),
    visibility text NOT NULL DEFAULT 'private'
        CHECK (visibility IN ('private', 'group', 'signed_in', 'public')),
    required_tier text NOT NULL DEFAULT 'free'
        CHECK (required_tier IN ('free', 'pro', 'enterprise')),
    settings jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(settings) = 'object'),
    archived_at timestamptz,
    deleted_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT agents_slug_key UNIQUE (slug)
);
CREATE INDEX agents_owner_id_idx ON agents (owner_id);
CREATE TRIGGER agents_updated_at BEFORE UPDATE ON agents
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();

CREATE TABLE conversations (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    agent_id uuid NOT NULL REFERENCES agents ON DELETE RESTRICT,
    -- The sign-in it was begun in.
    user_session_id uuid REFERENCES user_sessions ON DELETE SET NULL,
    title text NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
    -- A person's title is never replaced by a model's.
    title_source text NOT NULL DEFAULT 'question'
        CHECK (title_source IN ('question', 'model', 'person', 'import')),
    -- The end of the branch that is shown.
    current_message_id uuid,
    settings jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(settings) = 'object'),
    pinned_at timestamptz,
    archived_at timestamptz,
    -- Deleted by its person; can be brought back until it is swept.
    deleted_at timestamptz,
    last_message_at timestamptz NOT NULL DEFAULT now(),
    search tsvector NOT NULL GENERATED ALWAYS AS (search_vector(title)) STORED,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX conversations_user_id_idx ON conversations (user_id, last_message_at DESC, id DESC)
    WHERE deleted_at IS NULL;
CREATE INDEX conversations_agent_id_idx ON conversations (agent_id, last_message_at DESC);
CREATE INDEX conversations_user_session_id_idx ON conversations (user_session_id);
CREATE INDEX conversations_deleted_at_idx ON conversations (deleted_at)
    WHERE deleted_at IS NOT NULL;
CREATE INDEX conversations_search_idx ON conversations USING gin (search);
CREATE TRIGGER conversations_updated_at BEFORE UPDATE ON conversations
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();

CREATE TABLE messages (
    id uuid PRIMARY KEY,
    conversation_id uuid NOT NULL REFERENCES conversations ON DELETE CASCADE,
    -- What it answers or follows; null at the root. Two children are two branches.
    parent_id uuid,
    role text NOT NULL CHECK (role IN ('system', 'user', 'assistant', 'tool')),
    -- Markdown, as it was written.
    content text NOT NULL DEFAULT '',
    status text NOT NULL DEFAULT 'complete'
        CHECK (status IN ('generating', 'complete', 'stopped', 'failed', 'interrupted')),
    -- Our name of the model that wrote it.
    model text,
    prompt_tokens integer CHECK (prompt_tokens >= 0),
    completion_tokens integer CHECK (completion_tokens >= 0),
    processing_time_ms integer CHECK (processing_time_ms >= 0),
    metadata jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(metadata) = 'object'),
    search tsvector NOT NULL GENERATED ALWAYS AS (search_vector(content)) STORED,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT messages_conversation_id_id_key UNIQUE (conversation_id, id),
    -- A parent is of the same conversation.
    FOREIGN KEY (conversation_id, parent_id) REFERENCES messages (conversation_id, id)
        ON DELETE CASCADE,
    CHECK (parent_id <> id),
    CHECK (role = 'assistant' OR status = 'complete')
);
CREATE INDEX messages_parent_id_idx ON messages (conversation_id, parent_id);
CREATE INDEX messages_search_idx ON messages USING gin (search);
CREATE TRIGGER messages_updated_at BEFORE UPDATE ON messages
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();

ALTER TABLE conversations ADD CONSTRAINT conversations_current_message_fk
    FOREIGN KEY (id, current_message_id) REFERENCES messages (conversation_id, id)
    ON DELETE SET NULL (current_message_id) DEFERRABLE INITIALLY DEFERRED;

-- The making of an answer. A replica owns it as long as it renews the lease; every
-- take-over raises the fencing token, and a write with an old token changes nothing.
CREATE TABLE generations (
    id uuid PRIMARY KEY,
    conversation_id uuid NOT NULL REFERENCES conversations ON DELETE CASCADE,
    message_id uuid NOT NULL,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    -- Names a send: the same key again is the same send.
    idempotency_key text NOT NULL CHECK (length(idempotency_key) BETWEEN 8 AND 200),
    status text NOT NULL DEFAULT 'generating'
        CHECK (status IN ('generating', 'complete', 'stopped', 'failed', 'interrupted')),
    fencing_token bigint NOT NULL DEFAULT 1,
    lease_expires_at timestamptz NOT NULL,
    stop_requested_at timestamptz,
    -- Which model, where, and why.
    model text,
    instance text,
    reason text,
    error_code text,
    first_token_ms integer CHECK (first_token_ms >= 0),
    total_ms integer CHECK (total_ms >= 0),
    finished_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT generations_message_id_key UNIQUE (message_id),
    CONSTRAINT generations_idempotency_key UNIQUE (user_id, idempotency_key),
    FOREIGN KEY (conversation_id, message_id) REFERENCES messages (conversation_id, id)
        ON DELETE CASCADE,
    CHECK ((status = 'generating') = (finished_at IS NULL))
);
-- One answer at a time in a conversation.
CREATE UNIQUE INDEX generations_one_running_key ON generations (conversation_id)
    WHERE status = 'generating';
CREATE INDEX generations_lease_idx ON generations (lease_expires_at) WHERE status = 'generating';
CREATE TRIGGER generations_updated_at BEFORE UPDATE ON generations
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();
