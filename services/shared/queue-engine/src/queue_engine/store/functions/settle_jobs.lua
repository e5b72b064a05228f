-- Settle a worker's reports and lease it more jobs: settle, trim, reap, promote, take, in this order.
-- KEYS[1] jobs:{queue}:meta
-- ARGV[1] worker   ARGV[2] lease ms   ARGV[3] how many jobs it wants
-- ARGV[4] completed jobs kept   ARGV[5] cancelled jobs kept   ARGV[6] deduplication ms
-- ARGV[7...] reports: id, token, kind, then by kind: completed value | failed reason, class, stack, failure kind, retry delay ms or ''
--   | deferred reason, failure kind, delay ms, age limit ms or '' | released '1' when it had begun | interrupted
-- Returns {'OK', 'PAUSED' | 'OPEN', ms to the next delayed job or -1, {stale positions from 0}, {ten values per lease, see take.lua}}
--   | {'UNKNOWN_QUEUE'} | {'LAYOUT', found}
-- Flags: allow-oom
local queue, refusal = open_queue(KEYS[1])
if refusal then return refusal end
local batch, want = new_batch(queue), tonumber(ARGV[3])
local reports, deadline = find_reports(ARGV, 7), queue.now + tonumber(ARGV[2])
local kept_completed, kept_cancelled, dedup = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local stale = settle(batch, ARGV, reports, ARGV[1])
if #reports > 0 then
  prune(batch, 'completed', 'completed', kept_completed, nil, dedup, #reports + 20)
  prune(batch, 'cancelled', 'failed', kept_cancelled, nil, dedup, 20)
end
reap(batch)
promote(batch)
local leases = take(batch, ARGV[1], want, deadline)
if batch.woken and want <= 0 then wake(queue) end
local next_due = -1
if #leases < want * 10 then
  local head = redis.call('ZRANGE', queue.prefix .. 'delayed', 0, 0, 'WITHSCORES')
  if head[2] then next_due = math.max(0, head[2] - queue.now) end
end
return { 'OK', queue.paused and 'PAUSED' or 'OPEN', next_due, stale, leases }
