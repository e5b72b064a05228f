-- The same as exchange_jobs, called by services before 1.9.
-- KEYS[1] jobs:{queue}:meta
-- ARGV as in exchange_jobs
-- Returns {'OK', 'PAUSED' | 'OPEN', ms to the next delayed job or -1, {stale positions from 0}, {ten values per lease, see take.lua}}
--   | {'UNKNOWN_QUEUE'} | {'LAYOUT', found}
-- Flags: allow-oom
local queue, refusal = open_queue(KEYS[1])
if refusal then return refusal end
return exchange(queue, ARGV, append_older_lease)
