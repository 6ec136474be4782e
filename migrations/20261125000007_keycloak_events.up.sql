-- Which of Keycloak's events are in the audit log already.
CREATE TABLE keycloak_events (
    -- SHA-256 of what the event says.
    key bytea PRIMARY KEY CHECK (octet_length(key) = 32),
    occurred_at timestamptz NOT NULL
);
CREATE INDEX keycloak_events_occurred_at_idx ON keycloak_events (occurred_at);
