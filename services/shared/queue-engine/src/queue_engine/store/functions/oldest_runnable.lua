-- Age of the job that would be taken next.
-- KEYS[1] jobs:{queue}:meta
-- ARGV none
-- Returns {'OK', age ms or -1} | {'UNKNOWN_QUEUE'} | {'LAYOUT', found}
-- Flags: no-writes
local queue, refusal = open_queue(KEYS[1])
if refusal then return refusal end
local since = oldest_runnable(queue)
return { 'OK', since and math.max(0, queue.now - since) or -1 }
