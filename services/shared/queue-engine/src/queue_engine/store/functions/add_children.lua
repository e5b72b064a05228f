-- Note which jobs a running one enqueued; the newest 200 are kept.
-- KEYS[1] jobs:{queue}:meta
-- ARGV[1] worker   ARGV[2] id   ARGV[3] token   ARGV[4...] '<queue>:<id>' of each, oldest first
-- Returns {'OK', SETTLED | STALE} | {'UNKNOWN_QUEUE'} | {'LAYOUT', found}
-- Flags: allow-oom
local queue, refusal = open_queue(KEYS[1])
if refusal then return refusal end
if lease_words(queue, { ARGV[2], ARGV[3] }, 1, ARGV[1])[2] == 'LOST' then return { 'OK', 'STALE' } end
local key = queue.prefix .. 'c:' .. ARGV[2]
local newest = redis.call('ZRANGE', key, -1, -1, 'WITHSCORES')
local last = tonumber(newest[2] or 0)
if not newest[1] then note_list(job_key(queue, ARGV[2])) end
for i = 4, #ARGV do redis.call('ZADD', key, 'NX', last + i, ARGV[i]) end
redis.call('ZREMRANGEBYRANK', key, 0, -201)
return { 'OK', 'SETTLED' }
