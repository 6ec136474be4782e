-- The audit log becomes a chain: each row has a number without gaps and a SHA-256 over
-- everything in it, its number and the hash of the row before it. Made here, so that
-- every writer chains, whatever program it is. docs/decisions/0007-audit-chain.md

-- Rows that are there already are chained below, however many they are.
SET LOCAL statement_timeout = 0;

ALTER TABLE audit_logs
    ADD COLUMN sequence bigint,
    ADD COLUMN previous_hash bytea,
    ADD COLUMN hash bytea,
    -- What every reader can represent.
    ADD CONSTRAINT audit_logs_occurred_at_check
        CHECK (occurred_at >= '1970-01-01 00:00Z' AND occurred_at < '9999-01-01 00:00Z');

-- The head of the chain, in one row. A writer locks it until it commits, so writers
-- queue; a rollback puts it back, so no number is lost.
CREATE TABLE audit_chain (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    sequence bigint NOT NULL DEFAULT 0 CHECK (sequence >= 0),
    hash bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex') CHECK (octet_length(hash) = 32),
    -- Null: nothing has occurred yet.
    occurred_at timestamptz
);
INSERT INTO audit_chain DEFAULT VALUES;

-- A value with its length before it (-1 for null), as in PostgreSQL's own DataRow
-- message: no two rows of fields read alike.
CREATE FUNCTION audit_field(value bytea) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(int4send(octet_length(value)) || value, '\xffffffff');

-- The hash of a row. A later column that says something goes in as well, in an encoding
-- with a name of its own; crates/db/src/audit/encoding.rs does the same in Rust.
CREATE FUNCTION audit_hash(entry audit_logs) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
RETURN sha256(
    audit_field(convert_to('onelastai audit 1', 'UTF8'))
    || audit_field(int8send(entry.sequence))
    || audit_field(entry.previous_hash)
    || audit_field(uuid_send(entry.id))
    -- Microseconds since 1970, which is all that a timestamptz holds.
    || audit_field(int8send((extract(epoch FROM entry.occurred_at) * 1000000)::bigint))
    || audit_field(uuid_send(entry.actor_id))
    || audit_field(convert_to(entry.actor, 'UTF8'))
    || audit_field(convert_to(entry.action, 'UTF8'))
    || audit_field(convert_to(entry.target_type, 'UTF8'))
    || audit_field(uuid_send(entry.target_id))
    || audit_field(inet_send(entry.address))
    || audit_field(convert_to(entry.user_agent, 'UTF8'))
    -- jsonb has one text for one value: keys in order, each once.
    || audit_field(convert_to(entry.changes::text, 'UTF8'))
);

ALTER TABLE audit_logs DISABLE TRIGGER audit_logs_append_only;
DO $$
DECLARE
    head audit_chain;
    entry audit_logs;
BEGIN
    SELECT * INTO STRICT head FROM audit_chain;
    FOR entry IN SELECT * FROM audit_logs ORDER BY occurred_at, id LOOP
        entry.sequence := head.sequence + 1;
        entry.previous_hash := head.hash;
        entry.hash := audit_hash(entry);
        UPDATE audit_logs
        SET sequence = entry.sequence, previous_hash = entry.previous_hash, hash = entry.hash
        WHERE id = entry.id;
        head.sequence := entry.sequence;
        head.hash := entry.hash;
        head.occurred_at := entry.occurred_at;
    END LOOP;
    UPDATE audit_chain
    SET sequence = head.sequence, hash = head.hash, occurred_at = head.occurred_at;
END
$$;
ALTER TABLE audit_logs ENABLE TRIGGER audit_logs_append_only;

ALTER TABLE audit_logs
    ALTER COLUMN sequence SET NOT NULL,
    ALTER COLUMN previous_hash SET NOT NULL,
    ALTER COLUMN hash SET NOT NULL,
    ADD CONSTRAINT audit_logs_sequence_key UNIQUE (sequence),
    ADD CONSTRAINT audit_logs_sequence_check CHECK (sequence >= 1),
    ADD CONSTRAINT audit_logs_previous_hash_check CHECK (octet_length(previous_hash) = 32),
    ADD CONSTRAINT audit_logs_hash_check CHECK (octet_length(hash) = 32);

-- With the rights of its owner: who may add to the log need not be able to touch the head.
CREATE FUNCTION audit_logs_chain() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    head audit_chain;
    last audit_logs;
BEGIN
    SELECT * INTO STRICT head FROM audit_chain FOR UPDATE;
    -- What this transaction has added already; the head follows when it commits.
    SELECT * INTO last FROM audit_logs WHERE sequence > head.sequence
    ORDER BY sequence DESC LIMIT 1;
    NEW.sequence := coalesce(last.sequence, head.sequence) + 1;
    NEW.previous_hash := coalesce(last.hash, head.hash);
    -- Not now(): a transaction that began first may be the last to get here. And never
    -- back, not even with the machine's clock.
    NEW.occurred_at := greatest(clock_timestamp(), head.occurred_at, last.occurred_at);
    NEW.hash := audit_hash(NEW);
    RETURN NEW;
END
$$;
CREATE TRIGGER audit_logs_chain BEFORE INSERT ON audit_logs
    FOR EACH ROW EXECUTE FUNCTION audit_logs_chain();

-- Once for a transaction, not for each of its rows: what one row was before stays in the
-- way until the commit, so thousands of changes to it would each be slower than the last.
CREATE FUNCTION audit_logs_head() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    UPDATE audit_chain
    SET sequence = last.sequence, hash = last.hash, occurred_at = last.occurred_at
    FROM (SELECT * FROM audit_logs ORDER BY sequence DESC LIMIT 1) AS last
    WHERE audit_chain.sequence < NEW.sequence;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER audit_logs_head AFTER INSERT ON audit_logs
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION audit_logs_head();

-- The head moves by that trigger only.
CREATE TRIGGER audit_chain_by_trigger_only BEFORE INSERT OR UPDATE OR DELETE ON audit_chain
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_chain_no_truncate BEFORE TRUNCATE ON audit_chain
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The log is read by sequence, the newest first, which is the order of time as well.
DROP INDEX audit_logs_occurred_at_idx;
DROP INDEX audit_logs_actor_id_idx;
DROP INDEX audit_logs_target_idx;
DROP INDEX audit_logs_action_idx;
CREATE INDEX audit_logs_occurred_at_idx ON audit_logs (occurred_at DESC, sequence DESC);
CREATE INDEX audit_logs_actor_id_idx ON audit_logs (actor_id, sequence DESC);
CREATE INDEX audit_logs_target_idx ON audit_logs (target_type, target_id, sequence DESC);
CREATE INDEX audit_logs_action_idx ON audit_logs (action, sequence DESC);
