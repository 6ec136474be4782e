-- One session ends, the others of its Keycloak session go on.
-- KEYS: session, record, members, person
-- ARGV: its hash, sid
redis.call('DEL', KEYS[1])
redis.call('SREM', KEYS[3], ARGV[1])
if redis.call('SCARD', KEYS[3]) == 0 then
  redis.call('DEL', KEYS[2], KEYS[3])
  redis.call('SREM', KEYS[4], ARGV[2])
end
return 1
