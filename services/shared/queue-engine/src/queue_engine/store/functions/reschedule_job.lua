-- Give a delayed or waiting job another due time; one that is not in the future lets it run now.
-- KEYS[1] jobs:{queue}:meta
-- ARGV[1..5] action (event id, actor, issuer, token id, reason)   ARGV[6] id   ARGV[7] due ms or '' for now
-- Returns {'OK', CHANGED | UNCHANGED} | {'NOT_FOUND', ''} | {'WRONG_STATE', state} | {'UNKNOWN_QUEUE'} | {'LAYOUT', found}
-- Flags: allow-oom
local queue, refusal = open_queue(KEYS[1])
if refusal then return refusal end
local id, due = ARGV[6], tonumber(ARGV[7]) or 0
local key = job_key(queue, id)
local job = redis.pcall('HMGET', key, 's', 'p', 'll')
if job.err or not job[1] then return { 'NOT_FOUND', '' } end
if job[1] ~= 'waiting' and job[1] ~= 'delayed' then return { 'WRONG_STATE', job[1] } end
local old = redis.call('ZSCORE', queue.prefix .. 'delayed', id) or nil
if due <= queue.now then due = nil end
if due == tonumber(old) then return { 'OK', 'UNCHANGED' } end
unindex(queue, id, job[1])
local batch = new_batch(queue)
if due then
  redis.call('HSET', key, 's', 'delayed')
  redis.call('HDEL', key, 'rs')
  index_add(batch, 'delayed', due, id)
else
  make_runnable(batch, id, key, job[2], job[3], reserve_sequence(queue, 1) + 1)
end
flush(batch)
audit(queue, read_action(ARGV, 1), 'reschedule', id,
  string.format('{"oldDueAt":%s,"newDueAt":%s}', old or 'null', due and ARGV[7] or 'null'))
if batch.woken then wake(queue) end
if due then wake_for_delayed(queue, due) end
return { 'OK', 'CHANGED' }
