-- Append one line to a job's log; the newest 200 are kept.
-- KEYS[1] jobs:{queue}:meta
-- ARGV[1] worker   ARGV[2] id   ARGV[3] token   ARGV[4] text
-- Returns {'OK', SETTLED | STALE} | {'UNKNOWN_QUEUE'} | {'LAYOUT', found}
-- Flags: allow-oom
local queue, refusal = open_queue(KEYS[1])
if refusal then return refusal end
if lease_words(queue, { ARGV[2], ARGV[3] }, 1, ARGV[1])[2] == 'LOST' then return { 'OK', 'STALE' } end
local key = queue.prefix .. 'l:' .. ARGV[2]
local length = redis.call('RPUSH', key, queue.now .. ' ' .. ARGV[4])
if length == 1 then note_list(job_key(queue, ARGV[2])) end
if length > 200 then redis.call('LTRIM', key, -200, -1) end
return { 'OK', 'SETTLED' }
