DROP INDEX audit_logs_occurred_at_idx;
DROP INDEX audit_logs_actor_id_idx;
DROP INDEX audit_logs_target_idx;
DROP INDEX audit_logs_action_idx;
CREATE INDEX audit_logs_occurred_at_idx ON audit_logs (occurred_at DESC, id DESC);
CREATE INDEX audit_logs_actor_id_idx ON audit_logs (actor_id, occurred_at DESC);
CREATE INDEX audit_logs_target_idx ON audit_logs (target_type, target_id, occurred_at DESC);
CREATE INDEX audit_logs_action_idx ON audit_logs (action, occurred_at DESC);

DROP TRIGGER audit_logs_head ON audit_logs;
DROP FUNCTION audit_logs_head();
DROP TRIGGER audit_logs_chain ON audit_logs;
DROP FUNCTION audit_logs_chain();
DROP FUNCTION audit_hash(audit_logs);
DROP FUNCTION audit_field(bytea);
DROP TABLE audit_chain;
ALTER TABLE audit_logs
    DROP CONSTRAINT audit_logs_occurred_at_check,
    DROP COLUMN sequence,
    DROP COLUMN previous_hash,
    DROP COLUMN hash;
