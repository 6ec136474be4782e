ALTER TABLE api_keys
    -- The form that made it: sent twice, it makes one key.
    ADD COLUMN request_id uuid,
    -- The key whose place it took.
    ADD COLUMN rotated_from uuid REFERENCES api_keys ON DELETE SET NULL,
    -- Until when it goes on beside the key that took its place.
    ADD COLUMN overlap_until timestamptz,
    ADD CONSTRAINT api_keys_request_key UNIQUE (user_id, request_id),
    ADD CONSTRAINT api_keys_rotated_from_key UNIQUE (rotated_from);
