-- Store what a handler says of its progress.
-- KEYS[1] jobs:{queue}:meta
-- ARGV[1] worker   ARGV[2] id   ARGV[3] token   ARGV[4] progress (JSON)
-- Returns {'OK', SETTLED | STALE} | {'UNKNOWN_QUEUE'} | {'LAYOUT', found}
-- Flags: allow-oom
local queue, refusal = open_queue(KEYS[1])
if refusal then return refusal end
if lease_words(queue, { ARGV[2], ARGV[3] }, 1, ARGV[1])[2] == 'LOST' then return { 'OK', 'STALE' } end
redis.call('HSET', job_key(queue, ARGV[2]), 'pg', ARGV[4])
return { 'OK', 'SETTLED' }
