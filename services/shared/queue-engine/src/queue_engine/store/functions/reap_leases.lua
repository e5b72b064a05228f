-- Take up to 100 expired leases back; three losses in a row without a report bury the job as worker_lost.
-- KEYS[1] jobs:{queue}:meta
-- ARGV none
-- Returns {'OK', how many} | {'UNKNOWN_QUEUE'} | {'LAYOUT', found}
-- Flags: allow-oom
local queue, refusal = open_queue(KEYS[1])
if refusal then return refusal end
local batch = new_batch(queue)
local reaped = reap(batch)
if batch.woken then wake(queue) end
return { 'OK', reaped }
