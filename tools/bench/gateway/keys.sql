-- 100,000 people with an API key each, beside those that are there. No key fits a hash.
WITH people AS (
    INSERT INTO users (id, keycloak_issuer, keycloak_subject, username, display_name)
    SELECT gen_random_uuid(), 'bench', n::text, 'bench-' || n, 'Bench ' || n FROM generate_series(1, 100000) n
    RETURNING id, keycloak_subject
)
INSERT INTO api_keys (id, user_id, name, prefix, key_hash, scopes)
SELECT gen_random_uuid(), id, 'bench', 'ola_bench', sha256(convert_to('bench-' || keycloak_subject, 'UTF8')), '{chat.write}'
FROM people;
ANALYZE users, api_keys;
