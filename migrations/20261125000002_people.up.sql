-- Accounts. Who a person is comes from Keycloak; what they have with us is here.
CREATE TABLE users (
    id uuid PRIMARY KEY,
    keycloak_issuer text NOT NULL,
    keycloak_subject text NOT NULL,
    username text NOT NULL,
    email text,
    email_verified boolean NOT NULL DEFAULT false,
    display_name text NOT NULL,
    locale text,
    subscription_tier text NOT NULL DEFAULT 'free'
        CHECK (subscription_tier IN ('free', 'pro', 'enterprise')),
    settings jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(settings) = 'object'),
    disabled_at timestamptz,
    last_sign_in_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT users_keycloak_identity_key UNIQUE (keycloak_issuer, keycloak_subject)
);
CREATE INDEX users_email_idx ON users (lower(email));
CREATE INDEX users_username_idx ON users (lower(username));
CREATE TRIGGER users_updated_at BEFORE UPDATE ON users
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();

-- Sign-ins. The session itself lives in Redis; this row outlives it.
CREATE TABLE user_sessions (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    keycloak_session_id text,
    host text NOT NULL,
    token_hash bytea NOT NULL CHECK (octet_length(token_hash) = 32),
    address inet,
    user_agent text,
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    end_reason text CHECK (end_reason IN
        ('sign_out', 'back_channel', 'revoked', 'expired', 'replaced', 'disabled')),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT user_sessions_token_hash_key UNIQUE (token_hash),
    CHECK ((ended_at IS NULL) = (end_reason IS NULL))
);
CREATE INDEX user_sessions_user_id_idx ON user_sessions (user_id, created_at DESC);
CREATE INDEX user_sessions_keycloak_session_id_idx ON user_sessions (keycloak_session_id)
    WHERE ended_at IS NULL;
CREATE TRIGGER user_sessions_updated_at BEFORE UPDATE ON user_sessions
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();
