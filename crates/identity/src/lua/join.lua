-- One more session of a Keycloak session, handed over from a parent.
-- KEYS: record, members, parent session, session
-- ARGV: session, its hash, seconds
-- 0 where the parent has ended.
if redis.call('EXISTS', KEYS[1]) == 0 or redis.call('EXISTS', KEYS[3]) == 0 then return 0 end
-- Not longer than what it depends on.
local seconds = math.min(tonumber(ARGV[3]), redis.call('TTL', KEYS[3]))
if seconds < 1 then return 0 end
redis.call('SADD', KEYS[2], ARGV[2])
if redis.call('TTL', KEYS[2]) < seconds then redis.call('EXPIRE', KEYS[2], seconds) end
redis.call('SET', KEYS[4], ARGV[1], 'EX', seconds)
return 1
