-- Ends every session of some Keycloak sessions at once, on all hosts.
-- KEYS: person, or nothing
-- ARGV: what stays behind ('final': this Keycloak session never comes back; 'out': it may),
--       its seconds, a sid to spare or '', then the sids; none: all of the person
-- Gives sid, tokens, sid, tokens, … of those that were alive.
local sids = {}
for i = 4, #ARGV do sids[#sids + 1] = ARGV[i] end
if #sids == 0 and KEYS[1] then sids = redis.call('SMEMBERS', KEYS[1]) end
local ended = {}
for _, sid in ipairs(sids) do
  if sid ~= ARGV[3] then
    local record = 'onelastai:keycloak:' .. sid
    local members = record .. ':sessions'
    local found = redis.call('HMGET', record, 'facts', 'tokens')
    for _, hash in ipairs(redis.call('SMEMBERS', members)) do
      redis.call('DEL', 'onelastai:session:' .. hash)
    end
    redis.call('DEL', record, members, record .. ':lock')
    redis.call('SET', record .. ':ended', ARGV[1], 'EX', ARGV[2])
    if found[1] then
      redis.call('SREM', 'onelastai:person:' .. cjson.decode(found[1]).user, sid)
      ended[#ended + 1] = sid
      ended[#ended + 1] = found[2] or ''
    end
  end
end
return ended
