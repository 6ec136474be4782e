-- Requests to the API that named themselves (Idempotency-Key), and how they were answered;
-- kept for a day.
CREATE TABLE api_idempotency_keys (
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    key text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    -- SHA-256 of the path and the body: the same key with another request is a mistake.
    fingerprint bytea NOT NULL CHECK (octet_length(fingerprint) = 32),
    claimed_at timestamptz NOT NULL DEFAULT now(),
    -- Null while it is being answered.
    status smallint CHECK (status BETWEEN 200 AND 599),
    content_type text,
    body bytea,
    PRIMARY KEY (user_id, key),
    CHECK ((status IS NULL) = (body IS NULL) AND (status IS NULL) = (content_type IS NULL))
);
CREATE INDEX api_idempotency_keys_claimed_at_idx ON api_idempotency_keys (claimed_at);
