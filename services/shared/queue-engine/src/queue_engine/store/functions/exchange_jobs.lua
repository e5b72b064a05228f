-- Settle a worker's reports and lease it more jobs.
-- KEYS[1] jobs:{queue}:meta
-- ARGV[1] worker   ARGV[2] lease ms   ARGV[3] how many jobs it wants
-- ARGV[4] completed jobs kept   ARGV[5] cancelled jobs kept   ARGV[6] deduplication ms
-- ARGV[7...] reports: id, token, kind, then by kind: returned (completed without a value) | completed value |
--   failed reason, class, stack, failure kind, retry delay ms or ''
--   | deferred reason, failure kind, delay ms, age limit ms or '' | released '1' when it had begun | interrupted
-- Returns {'OK', 'PAUSED' | 'OPEN', ms to the next delayed job or -1, {stale positions from 0}, {five values per lease, see take.lua}}
--   | {'UNKNOWN_QUEUE'} | {'LAYOUT', found}
-- Flags: allow-oom
local queue, refusal = open_queue(KEYS[1])
if refusal then return refusal end
return exchange(queue, ARGV, append_lease)
