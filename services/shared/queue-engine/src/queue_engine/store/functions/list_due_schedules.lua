-- Schedules that are due, the longest waiting first, and when the next is.
-- KEYS[1] jobs:{queue}:meta
-- ARGV[1] at most this many
-- Returns {'OK', now ms, {id, {fields flat}, ...}, due ms of the next that is not due yet, or -1}
--   | {'UNKNOWN_QUEUE'} | {'LAYOUT', found}
-- Flags: no-writes
local queue, refusal = open_queue(KEYS[1])
if refusal then return refusal end
local index, found = queue.prefix .. 'schedules', {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', index, '-inf', queue.now, 'LIMIT', 0, ARGV[1])) do
  local flat = redis.pcall('HGETALL', schedule_key(queue, id))
  found[#found + 1], found[#found + 2] = id, flat.err and {} or flat
end
local coming = redis.call('ZRANGEBYSCORE', index, '(' .. queue.now, '(+inf', 'WITHSCORES', 'LIMIT', 0, 1)
return { 'OK', queue.now, found, tonumber(coming[2]) or -1 }
