DROP TABLE api_key_usage;
-- What cost less than the old form can tell has no cost there.
UPDATE agent_interactions SET cost_currency = NULL WHERE cost_minor IS NULL;
ALTER TABLE agent_interactions
    DROP CONSTRAINT agent_interactions_cost_check,
    DROP COLUMN cost_micros,
    DROP COLUMN api_key_id,
    ADD CONSTRAINT agent_interactions_check
        CHECK ((cost_minor IS NULL) = (cost_currency IS NULL));
DROP TABLE tier_limits;
