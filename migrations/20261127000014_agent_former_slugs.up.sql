-- Addresses that agents had before they were renamed. For a while nobody else gets one, so that nobody
-- takes over an address that people know.
CREATE TABLE agent_former_slugs (
    slug text PRIMARY KEY,
    -- The last one that had it.
    agent_id uuid NOT NULL REFERENCES agents ON DELETE CASCADE,
    given_up_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX agent_former_slugs_agent_id_idx ON agent_former_slugs (agent_id);
