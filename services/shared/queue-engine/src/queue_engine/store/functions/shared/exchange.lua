-- Settle a worker's reports and lease it more jobs, each told of by `append`: settle, trim, reap, promote, take, in this
-- order. `args` are those of exchange_jobs.lua.
local function exchange(queue, args, append)
  local batch, want = new_batch(queue), tonumber(args[3])
  local reports, deadline = find_reports(args, 7), queue.now + tonumber(args[2])
  local kept_completed, kept_cancelled, dedup = tonumber(args[4]), tonumber(args[5]), tonumber(args[6])
  local stale = settle(batch, args, reports, args[1])
  if #reports > 0 then
    prune(batch, 'completed', 'completed', kept_completed, nil, dedup, #reports + 20)
    prune(batch, 'cancelled', 'failed', kept_cancelled, nil, dedup, 20)
  end
  reap(batch)
  promote(batch)
  local leases, taken = take(batch, args[1], want, deadline, append)
  if batch.woken and want <= 0 then wake(queue) end
  local next_due = -1
  if taken < want then
    local head = redis.call('ZRANGE', queue.prefix .. 'delayed', 0, 0, 'WITHSCORES')
    if head[2] then next_due = math.max(0, head[2] - queue.now) end
  end
  return { 'OK', queue.paused and 'PAUSED' or 'OPEN', next_due, stale, leases }
end
