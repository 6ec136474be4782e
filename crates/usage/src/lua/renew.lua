-- Says that requests are still under way, and how many tokens each has by now.
--
-- KEYS open, leases
-- ARGV now in ms (0: Redis' own clock), lease in ms, then id and tokens of each

local now = tonumber(ARGV[1])
if now == 0 then
    local time = redis.call('TIME')
    now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local until_ms = string.format('%d', now + tonumber(ARGV[2]))
for i = 3, #ARGV, 2 do
    local record = redis.call('HGET', KEYS[1], ARGV[i])
    if record then
        redis.call('HSET', KEYS[1], ARGV[i], (record:gsub('^%d+', ARGV[i + 1], 1)))
        redis.call('ZADD', KEYS[2], until_ms, ARGV[i])
    end
end
return 1
