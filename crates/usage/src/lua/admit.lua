-- Checks every limit and, where none is exceeded, reserves. All or nothing.
--
-- KEYS person, open, leases [, key]
-- ARGV 1 now in ms (0: Redis' own clock)  2 id  3 tokens  4 cost  5 lease in ms  6 month
--      7..10 the tier's requests and tokens a minute, requests and tokens a day
--      11..13 the key's requests and tokens a minute, cost a month (-1: no limit)
--      14 prompt tokens  15 person  16 key  17 kind  18 agent  19 model
-- Answers status (1 reserved, 0 over a limit, 2 the sums of the day or month are not
-- known), the number of the limit, and all counts.

local function number(text) return tonumber(text) or 0 end

local now = tonumber(ARGV[1])
if now == 0 then
    local time = redis.call('TIME')
    now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local this_minute, today = math.floor(now / 60000), math.floor(now / 86400000)
local tokens, cost, month = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[6])

-- The counts of a person or key, moved on to this minute.
local function minutes(has)
    local at = number(has[1])
    if at >= this_minute then
        return { at, number(has[2]), number(has[3]), number(has[4]), number(has[5]) }
    elseif at == this_minute - 1 then
        return { this_minute, 0, number(has[2]), 0, number(has[4]) }
    end
    return { this_minute, 0, 0, 0, 0 }
end

local person_has = redis.call('HMGET', KEYS[1], 'm', 'r', 'R', 't', 'T', 'd', 'dr', 'dt')
local person = minutes(person_has)
local day, day_requests, day_tokens = tonumber(person_has[6]), -1, 0
local counts_days = ARGV[9] ~= '-1' or ARGV[10] ~= '-1'
if day then
    if day >= today then
        day_requests, day_tokens = number(person_has[7]), number(person_has[8])
    else
        day, day_requests = today, 0
    end
end

local key_has, key, key_month, key_cost
if KEYS[4] then
    key_has = redis.call('HMGET', KEYS[4], 'm', 'r', 'R', 't', 'T', 'mo', 'c')
    key = minutes(key_has)
    key_month, key_cost = tonumber(key_has[6]), number(key_has[7])
    if key_month and key_month < month then key_month, key_cost = month, 0 end
else
    key, key_cost = { 0, 0, 0, 0, 0 }, 0
end

local function answer(status, which)
    return { status, which, now, person[1], person[2], person[3], person[4], person[5],
        day_requests, day_tokens, key[1], key[2], key[3], key[4], key[5], key_cost }
end

local record = '0|' .. ARGV[14] .. '|' .. ARGV[15] .. '|' .. ARGV[16] .. '|' .. person[1] .. '|' ..
    key[1] .. '|' .. (day or today) .. '|' .. month .. '|' .. ARGV[3] .. '|' .. ARGV[4] .. '|' ..
    string.format('%d', now) .. '|' .. ARGV[17] .. '|' .. ARGV[18] .. '|' .. ARGV[19]
-- The same request again is the same reservation, also where nothing more would fit.
if redis.call('HSETNX', KEYS[2], ARGV[2], record) == 0 then return answer(1, 0) end
local function refuse(status, which)
    redis.call('HDEL', KEYS[2], ARGV[2])
    return answer(status, which)
end

if (counts_days and not day) or (ARGV[13] ~= '-1' and not key_month) then return refuse(2, 0) end

local function over(limit, used, more)
    local most = tonumber(limit)
    return most >= 0 and used + more > most
end
-- What lies within the sixty seconds up to now.
local function sliding(has, at)
    local into = math.max(0, now - has[1] * 60000)
    return has[at] + math.ceil(has[at + 1] * (60000 - into) / 60000)
end
if over(ARGV[7], sliding(person, 2), 1) then return refuse(0, 1) end
if over(ARGV[8], sliding(person, 4), tokens) then return refuse(0, 2) end
if over(ARGV[9], day_requests, 1) then return refuse(0, 3) end
if over(ARGV[10], day_tokens, tokens) then return refuse(0, 4) end
if KEYS[4] then
    if over(ARGV[11], sliding(key, 2), 1) then return refuse(0, 5) end
    if over(ARGV[12], sliding(key, 4), tokens) then return refuse(0, 6) end
    local budget = tonumber(ARGV[13])
    -- What is used up is used up, also for what costs nothing.
    if budget >= 0 and (key_cost + cost > budget or key_cost >= budget) then
        return refuse(0, 7)
    end
end

redis.call('ZADD', KEYS[3], string.format('%d', now + tonumber(ARGV[5])), ARGV[2])

local function keep(name, has, counts)
    redis.call('HSET', name, 'm', counts[1], 'r', counts[2], 'R', counts[3], 't', counts[4], 'T',
        counts[5])
    return tonumber(has[1]) ~= counts[1]
end
person[2], person[4] = person[2] + 1, person[4] + tokens
local fresh = keep(KEYS[1], person_has, person)
if day then
    day_requests, day_tokens = day_requests + 1, day_tokens + tokens
    redis.call('HSET', KEYS[1], 'd', day, 'dr', day_requests, 'dt', day_tokens)
end
-- Two days: longer than anything in it counts.
if fresh then redis.call('EXPIRE', KEYS[1], 172800) end
if KEYS[4] then
    key[2], key[4] = key[2] + 1, key[4] + tokens
    fresh = keep(KEYS[4], key_has, key)
    if key_month then
        key_cost = key_cost + cost
        redis.call('HSET', KEYS[4], 'mo', key_month, 'c', key_cost)
    end
    if fresh then redis.call('EXPIRE', KEYS[4], 3456000) end
end
return answer(1, 0)
