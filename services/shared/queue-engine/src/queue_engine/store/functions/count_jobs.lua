-- Counts per state, pause mark, age of the oldest runnable job and event totals of a queue.
-- KEYS[1] jobs:{queue}:meta
-- ARGV none
-- Returns {'OK', waiting, active, delayed, completed, failed, dead, oldest ms or -1, {meta fields flat}}
--   | {'UNKNOWN_QUEUE'} | {'LAYOUT', found}
-- Flags: no-writes
local queue, refusal = open_queue(KEYS[1])
if refusal then return refusal end
local reply = { 'OK' }
for _, state in ipairs({ 'waiting', 'active', 'delayed', 'completed', 'failed', 'dead' }) do
  reply[#reply + 1] = state_size(queue, state)
end
local since = oldest_runnable(queue)
reply[#reply + 1] = since and math.max(0, queue.now - since) or -1
reply[#reply + 1] = redis.call('HGETALL', queue.meta)
return reply
