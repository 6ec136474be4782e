-- Sets the sums of the day, and of the key's month, from PostgreSQL and from what is
-- reserved.
--
-- KEYS person, open [, key]
-- ARGV 1 v as it was before PostgreSQL was asked ('*': whatever it is)  2 person  3 day
--      4 requests  5 tokens  6 key  7 month  8 cost
--      9.. each reservation that was open then and is in those sums already
-- Answers 0 where it has to be done again.

if ARGV[1] ~= '*' and (redis.call('HGET', KEYS[1], 'v') or '') ~= ARGV[1] then return 0 end
local settled = {}
for i = 9, #ARGV do settled[ARGV[i]] = true end

local day = tonumber(redis.call('HGET', KEYS[1], 'd')) or -1
local set_day = day < tonumber(ARGV[3])
local set_month = false
if KEYS[3] then
    local month = tonumber(redis.call('HGET', KEYS[3], 'mo')) or -1
    set_month = month < tonumber(ARGV[7])
end
if not set_day and not set_month then return 1 end

local requests, tokens, cost = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[8])
local open = redis.call('HGETALL', KEYS[2])
for i = 1, #open, 2 do
    local id = open[i]
    local person, key, at, month, has_tokens, has_cost = open[i + 1]:match(
        '^%d*|%d*|([^|]*)|([^|]*)|%d+|%d+|(%d+)|(%d+)|(%d+)|(%d+)|')
    if person == ARGV[2] then
        if settled[id] then
            -- Its correction, still to come, would count it again.
            redis.call('HDEL', KEYS[2], id)
        else
            if at == ARGV[3] then
                requests, tokens = requests + 1, tokens + tonumber(has_tokens)
            end
            if key == ARGV[6] and month == ARGV[7] then cost = cost + tonumber(has_cost) end
        end
    end
end
if set_day then
    redis.call('HSET', KEYS[1], 'd', ARGV[3], 'dr', requests, 'dt', tokens)
    redis.call('EXPIRE', KEYS[1], 172800)
end
if set_month then
    redis.call('HSET', KEYS[3], 'mo', ARGV[7], 'c', cost)
    redis.call('EXPIRE', KEYS[3], 3456000)
end
return 1
