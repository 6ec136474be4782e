-- Puts what a request took in the place of what was reserved for it, in the windows that
-- it was reserved in. A reservation that is gone changes no count.
--
-- KEYS person, open, leases [, key]
-- ARGV id, known (1 or 0), requests (1 or 0), tokens, cost
--
-- Where the reservation is gone (Redis was flushed, or away when it was made) or what the
-- request took isn't known here, the sums of the day and month are forgotten, so that the
-- next request takes them from PostgreSQL. `v` tells whoever is just doing that to begin
-- again.

local id = ARGV[1]
local record = redis.call('HGET', KEYS[2], id)
if record then
    redis.call('HDEL', KEYS[2], id)
    redis.call('ZREM', KEYS[3], id)
end
if not record or ARGV[2] == '0' then
    redis.call('HDEL', KEYS[1], 'd', 'dr', 'dt')
    redis.call('HINCRBY', KEYS[1], 'v', 1)
    redis.call('EXPIRE', KEYS[1], 172800)
    if KEYS[4] then redis.call('HDEL', KEYS[4], 'mo', 'c') end
    return 0
end

local minute, key_minute, day, month, tokens, cost =
    record:match('^%d*|%d*|[^|]*|[^|]*|(%d+)|(%d+)|(%d+)|(%d+)|(%d+)|(%d+)|')
local requests = tonumber(ARGV[3]) - 1
tokens, cost = tonumber(ARGV[4]) - tonumber(tokens), tonumber(ARGV[5]) - tonumber(cost)

local function add(name, field, by)
    if by ~= 0 then redis.call('HINCRBY', name, field, string.format('%d', by)) end
end
local function minutes(name, at, was)
    if at == was then
        add(name, 'r', requests)
        add(name, 't', tokens)
    elseif at == was + 1 then
        add(name, 'R', requests)
        add(name, 'T', tokens)
    end
end

local forgotten = false
local has = redis.call('HMGET', KEYS[1], 'm', 'd')
minutes(KEYS[1], tonumber(has[1]), tonumber(minute))
if not has[2] then
    forgotten = true
elseif has[2] == day then
    add(KEYS[1], 'dr', requests)
    add(KEYS[1], 'dt', tokens)
end
if KEYS[4] then
    has = redis.call('HMGET', KEYS[4], 'm', 'mo')
    minutes(KEYS[4], tonumber(has[1]), tonumber(key_minute))
    if not has[2] then
        forgotten = true
    elseif has[2] == month then
        add(KEYS[4], 'c', cost)
    end
end
if forgotten then redis.call('HINCRBY', KEYS[1], 'v', 1) end
return 1
