-- Takes over reservations whose lease ran out. The lease is renewed with that, so that
-- others leave them alone, and take them up where the taker goes away too.
--
-- KEYS open, leases
-- ARGV now in ms (0: Redis' own clock), lease in ms, how many at most
-- Answers id and record of each.

local now = tonumber(ARGV[1])
if now == 0 then
    local time = redis.call('TIME')
    now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local taken = {}
local ids = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', string.format('%d', now), 'LIMIT', 0,
    ARGV[3])
for _, id in ipairs(ids) do
    local record = redis.call('HGET', KEYS[1], id)
    if record then
        redis.call('ZADD', KEYS[2], string.format('%d', now + tonumber(ARGV[2])), id)
        taken[#taken + 1] = id
        taken[#taken + 1] = record
    else
        redis.call('ZREM', KEYS[2], id)
    end
end
return taken
