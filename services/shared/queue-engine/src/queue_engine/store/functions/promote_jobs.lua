-- Move up to 100 due jobs from delayed to waiting and wake a worker.
-- KEYS[1] jobs:{queue}:meta
-- ARGV none
-- Returns {'OK', how many} | {'UNKNOWN_QUEUE'} | {'LAYOUT', found}
-- Flags: allow-oom
local queue, refusal = open_queue(KEYS[1])
if refusal then return refusal end
local batch = new_batch(queue)
local promoted = promote(batch)
if batch.woken then wake(queue) end
return { 'OK', promoted }
