DROP INDEX generations_agent_version_idx;
ALTER TABLE generations
    DROP CONSTRAINT generations_agent_version_check,
    DROP CONSTRAINT generations_agent_version_fk,
    DROP COLUMN agent_version,
    DROP COLUMN agent_id;
DROP TRIGGER agents_first_version ON agents;
DROP FUNCTION keep_first_agent_version();
DROP TABLE agent_versions;
DROP FUNCTION agent_content(agents);
DROP FUNCTION agent_editable_by(agents, uuid, text[], boolean, boolean);
DROP FUNCTION agent_usable_by(agents, uuid, text[]);
DROP INDEX agents_group_path_idx;
ALTER TABLE agents
    DROP CONSTRAINT agents_group_check,
    DROP COLUMN current_version,
    DROP COLUMN avatar,
    DROP COLUMN group_path;
