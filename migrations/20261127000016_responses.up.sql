-- Answers of /v1/responses with what was asked, so that a program can read them again and go on
-- from them; kept for 30 days.
CREATE TABLE api_responses (
    -- The call's, as in agent_interactions.
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    -- The one that it went on from. No reference: one that points nowhere says that something
    -- of what came before is gone.
    previous_id uuid CHECK (previous_id <> id),
    -- The agent that answered; null where a model was asked. No reference: it is only compared
    -- with the agents that a key is for.
    agent_id uuid,
    -- As the API shows them. Not jsonb, which refuses U+0000 in texts; nothing is looked for
    -- inside.
    input json NOT NULL CHECK (json_typeof(input) = 'array'),
    response json NOT NULL CHECK (json_typeof(response) = 'object'),
    -- Of both: how much there is to read again is known before it is read.
    bytes bigint NOT NULL CHECK (bytes > 0),
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX api_responses_user_id_idx ON api_responses (user_id);
CREATE INDEX api_responses_created_at_idx ON api_responses (created_at);
