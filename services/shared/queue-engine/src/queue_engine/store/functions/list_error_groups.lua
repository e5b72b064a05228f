-- Groups of failed jobs, the largest first.
-- KEYS[1] jobs:{queue}:meta
-- ARGV[1] how many (at most 500)
-- Returns {'OK', groups in all, {group, jobs, first failed ms, last failed ms, '<name>\0<class>\0<line>'}, ...}
--   | {'UNKNOWN_QUEUE'} | {'LAYOUT', found}
-- Flags: no-writes
local queue, refusal = open_queue(KEYS[1])
if refusal then return refusal end
local groups, about = queue.prefix .. 'groups', queue.prefix .. 'groups:about'
local reply = { 'OK', redis.call('ZCARD', groups) }
local found = redis.call('ZREVRANGE', groups, 0, math.min(tonumber(ARGV[1]), 500) - 1, 'WITHSCORES')
for i = 1, #found, 2 do
  local group, jobs = found[i], queue.prefix .. 'g:' .. found[i]
  local first, last = redis.call('ZRANGE', jobs, 0, 0, 'WITHSCORES'), redis.call('ZRANGE', jobs, -1, -1, 'WITHSCORES')
  local said = redis.call('HGET', about, group)
  reply[#reply + 1] = { group, tonumber(found[i + 1]), tonumber(first[2]), tonumber(last[2]), said }
end
return reply
