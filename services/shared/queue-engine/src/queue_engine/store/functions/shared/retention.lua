-- Forgetting finished jobs. Dead jobs are never touched here.

-- Remove all that is known of jobs except their places in indexes.
local function unlink_jobs(queue, ids)
  local keys, k = {}, 0
  for _, kind in ipairs({ 'j:', 'a:', 'l:', 'c:' }) do
    local prefix = queue.prefix .. kind
    for i = 1, #ids do keys[k + i] = prefix .. ids[i] end
    k = k + #ids
  end
  for first = 1, k, UNPACK_LIMIT do
    redis.call('UNLINK', unpack(keys, first, math.min(first + UNPACK_LIMIT - 1, k)))
  end
end

-- Leave a tombstone that answers a repeated enqueue until the deduplication window ends.
local function leave_tombstone(queue, id, state, default_dedup)
  local job = redis.pcall('HMGET', job_key(queue, id), 'x', 'c', 't1')
  if job.err or not job[1] then return end
  local left = (tonumber(job[3]) or 0) + dedup_window(job[2], default_dedup) - queue.now
  if left > 0 then redis.call('SET', queue.prefix .. 't:' .. id, state .. ' ' .. job[1], 'PX', left) end
end

-- Keep the newest `keep` of an index and none older than `age` ms; at most `limit` go. `state` is what the jobs are.
local function prune(batch, index, state, keep, age, default_dedup, limit)
  local queue = batch.queue
  local key = queue.prefix .. index
  local extra = math.min(redis.call('ZCARD', key) - keep, limit)
  local ids = extra > 0 and redis.call('ZRANGE', key, 0, extra - 1) or {}
  if #ids == 0 and age then ids = redis.call('ZRANGEBYSCORE', key, '-inf', '(' .. queue.now - age, 'LIMIT', 0, limit) end
  for _, id in ipairs(ids) do
    leave_tombstone(queue, id, state, default_dedup)
    if state == 'failed' then leave_group(queue, id) end
    index_remove(batch, index, id)
    if index ~= state then index_remove(batch, state, id) end
  end
  if #ids == 0 then return 0 end
  unlink_jobs(queue, ids)
  count(batch, 'pruned', #ids)
  flush(batch)
  return #ids
end
