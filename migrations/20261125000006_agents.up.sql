-- What people make agents of: groups, avatars, versions; and who may do what with one.

ALTER TABLE agents
    -- The Keycloak group that looks after it, such as /research. Subgroups are groups of
    -- their own.
    ADD COLUMN group_path text
        CHECK (group_path ~ '^(/[^/]+)+$' AND length(group_path) <= 400),
    -- A hue, shown with the initials of the name; or one emoji. Nothing in ASCII but the
    -- names of the hues gets in, so no markup does.
    ADD COLUMN avatar text NOT NULL DEFAULT 'slate'
        CONSTRAINT agents_avatar_check CHECK (
            avatar IN ('slate', 'red', 'amber', 'green', 'teal', 'blue', 'violet', 'pink')
            OR avatar ~ '^[^\u0001-\u007F]{1,16}$'),
    ADD COLUMN current_version integer NOT NULL DEFAULT 1 CHECK (current_version >= 1);

ALTER TABLE agents DISABLE TRIGGER agents_updated_at;
-- So far only its owner could use one of these.
UPDATE agents SET visibility = 'private' WHERE visibility = 'group';
-- Some colour for those that are there.
UPDATE agents SET avatar =
    (ARRAY['slate', 'red', 'amber', 'green', 'teal', 'blue', 'violet', 'pink'])
    [1 + (hashtext(slug) & 7)];
ALTER TABLE agents ENABLE TRIGGER agents_updated_at;

ALTER TABLE agents ADD CONSTRAINT agents_group_check CHECK (
    CASE visibility
        WHEN 'group' THEN group_path IS NOT NULL
        WHEN 'private' THEN group_path IS NULL
        ELSE true
    END);
CREATE INDEX agents_group_path_idx ON agents (group_path) WHERE group_path IS NOT NULL;

-- Who may talk to an agent.
CREATE FUNCTION agent_usable_by(a agents, viewer uuid, viewer_groups text[]) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(a.owner_id = viewer, false)
    OR a.visibility IN ('signed_in', 'public')
    OR (a.visibility = 'group' AND coalesce(a.group_path = ANY (viewer_groups), false));

-- Who may change an agent, and see how it is made and used.
CREATE FUNCTION agent_editable_by(
    a agents, viewer uuid, viewer_groups text[], manages boolean, administers boolean
) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN administers
    OR (manages AND (coalesce(a.owner_id = viewer, false)
                     OR coalesce(a.group_path = ANY (viewer_groups), false)));

-- Everything that a version keeps of an agent.
CREATE FUNCTION agent_content(a agents) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN jsonb_build_object(
    'name', a.name,
    'slug', a.slug,
    'avatar', a.avatar,
    'description', a.description,
    'system_prompt', a.system_prompt,
    'model_preferences', a.model_preferences,
    'local_only', a.local_only,
    'parameters', a.parameters,
    'starters', a.starters,
    'visibility', a.visibility,
    'group', a.group_path,
    'required_tier', a.required_tier);

CREATE TABLE agent_versions (
    agent_id uuid NOT NULL REFERENCES agents ON DELETE CASCADE,
    version integer NOT NULL CHECK (version >= 1),
    content jsonb NOT NULL CHECK (jsonb_typeof(content) = 'object'),
    -- Null: the platform, or somebody whose account is gone.
    author_id uuid REFERENCES users ON DELETE SET NULL,
    note text CHECK (length(note) BETWEEN 1 AND 200),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (agent_id, version)
);
CREATE INDEX agent_versions_author_id_idx ON agent_versions (author_id);

INSERT INTO agent_versions (agent_id, version, content, author_id, created_at)
SELECT a.id, a.current_version, agent_content(a), a.owner_id, a.updated_at FROM agents a;

-- However an agent comes into being, it has its first version.
CREATE FUNCTION keep_first_agent_version() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO agent_versions (agent_id, version, content, author_id)
    VALUES (NEW.id, NEW.current_version, agent_content(NEW), NEW.owner_id);
    RETURN NULL;
END
$$;
CREATE TRIGGER agents_first_version AFTER INSERT ON agents
    FOR EACH ROW EXECUTE FUNCTION keep_first_agent_version();

-- Which version of its agent an answer is from; null where it is older than versions.
ALTER TABLE generations
    ADD COLUMN agent_id uuid,
    ADD COLUMN agent_version integer,
    ADD CONSTRAINT generations_agent_version_fk
        FOREIGN KEY (agent_id, agent_version) REFERENCES agent_versions (agent_id, version),
    ADD CONSTRAINT generations_agent_version_check
        CHECK ((agent_id IS NULL) = (agent_version IS NULL));
CREATE INDEX generations_agent_version_idx ON generations (agent_id, agent_version);
