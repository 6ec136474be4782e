-- What came of a refresh, from whoever still holds the lock.
-- KEYS: record, lock
-- ARGV: the lock's token, facts, tokens (empty: as they were)
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[2])
-- A session that ended meanwhile stays ended.
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], 'facts', ARGV[2])
if ARGV[3] ~= '' then redis.call('HSET', KEYS[1], 'tokens', ARGV[3]) end
return 1
