-- A session after a sign-in: it and what is shared by all sessions of its Keycloak session.
-- KEYS: record, members, lock, ended, person, session
-- ARGV: facts, tokens, session, its hash, sid, seconds
-- 0 where Keycloak has ended the session meanwhile.
if redis.call('GET', KEYS[4]) == 'final' then return 0 end
local seconds = tonumber(ARGV[6])
local function live(key)
  if redis.call('TTL', key) < seconds then redis.call('EXPIRE', key, seconds) end
end
-- A refresh under way holds older tokens than these: without the lock it keeps its result.
redis.call('DEL', KEYS[3], KEYS[4])
redis.call('HSET', KEYS[1], 'facts', ARGV[1], 'tokens', ARGV[2])
redis.call('SADD', KEYS[2], ARGV[4])
redis.call('SADD', KEYS[5], ARGV[5])
redis.call('SET', KEYS[6], ARGV[3], 'EX', seconds)
live(KEYS[1])
live(KEYS[2])
live(KEYS[5])
return 1
