-- One schedule.
-- KEYS[1] jobs:{queue}:meta
-- ARGV[1] id
-- Returns {'OK', now ms, {fields flat, empty when it is not there}} | {'UNKNOWN_QUEUE'} | {'LAYOUT', found}
-- Flags: no-writes
local queue, refusal = open_queue(KEYS[1])
if refusal then return refusal end
return { 'OK', queue.now, redis.call('HGETALL', schedule_key(queue, ARGV[1])) }
