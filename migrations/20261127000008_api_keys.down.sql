ALTER TABLE api_keys
    DROP COLUMN overlap_until,
    DROP COLUMN rotated_from,
    DROP COLUMN request_id;
