ALTER TABLE agent_interactions DROP COLUMN cut_off;
