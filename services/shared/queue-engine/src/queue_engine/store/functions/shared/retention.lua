-- Forgetting finished jobs. Dead ones go only beyond a bound that is far above what anybody can look through, and each
-- leaves a record.

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

-- Leave a tombstone that answers a repeated enqueue until the deduplication window ends: '<state> <digest>', and ' <word>
-- <request>' of a job that a replacing request made.
local function leave_tombstone(queue, id, state, default_dedup)
  local job = redis.pcall('HMGET', job_key(queue, id), 'x', 'c', 't1', 'rq')
  if job.err or not job[1] then return end
  local left = (tonumber(job[3]) or 0) + dedup_window(job[2], default_dedup) - queue.now
  local request = job[4] and ' ' .. job[4] or ''
  if left > 0 then redis.call('SET', queue.prefix .. 't:' .. id, state .. ' ' .. job[1] .. request, 'PX', left) end
end

-- Forget the first jobs of an index, which hold `state`; `ids` are these. Returns how many.
local function forget(batch, index, state, ids, default_dedup)
  if #ids == 0 then return 0 end
  local queue = batch.queue
  for _, id in ipairs(ids) do
    leave_tombstone(queue, id, state, default_dedup)
    if state == 'failed' then leave_group(queue, id) end
    if index == 'dead' then leave_dead(queue, id) end
    if index ~= state then index_remove(batch, state, id) end
  end
  redis.call('ZREMRANGEBYRANK', queue.prefix .. index, 0, #ids - 1) -- cheaper than their names
  unlink_jobs(queue, ids)
  count(batch, 'pruned', #ids)
  flush(batch)
  return #ids
end

-- Keep the newest `keep` of an index and none older than `age` ms; at most `limit` go. `state` is what the jobs are.
local function prune(batch, index, state, keep, age, default_dedup, limit)
  local queue = batch.queue
  local key = queue.prefix .. index
  local extra = math.min(redis.call('ZCARD', key) - keep, limit)
  local ids = extra > 0 and redis.call('ZRANGE', key, 0, extra - 1) or {}
  if #ids == 0 and age then ids = redis.call('ZRANGEBYSCORE', key, '-inf', '(' .. queue.now - age, 'LIMIT', 0, limit) end
  return forget(batch, index, state, ids, default_dedup)
end

-- Tell the audit log which dead job is forgotten, and not what it held.
local function audit_discard(queue, id, reason)
  local job = redis.pcall('HMGET', job_key(queue, id), 'n', 'ek', 't1')
  if job.err then job = {} end
  local event = redis.sha1hex(queue.prefix .. id .. ':' .. (job[3] or '') .. ':' .. queue.now)
  local detail = cjson.encode({ name = job[1] or '?', kind = job[2] or '?', diedAt = tonumber(job[3] or nil) })
  audit(queue, { event, 'retention', '', '', reason }, 'discard', id, detail)
end

-- Forget the oldest dead jobs beyond `keep` of them or `bytes` in all, at most `limit`. Returns how many.
local function discard_dead(batch, keep, bytes, default_dedup, limit)
  local queue, gone = batch.queue, {}
  local extra = redis.call('ZCARD', queue.prefix .. 'dead') - keep
  local too_heavy = (tonumber(redis.call('HGET', queue.meta, 'dead_bytes') or nil) or 0) - bytes
  if extra <= 0 and too_heavy <= 0 then return 0 end
  for _, id in ipairs(redis.call('ZRANGE', queue.prefix .. 'dead', 0, limit - 1)) do
    if extra <= #gone and too_heavy <= 0 then break end
    local reason = extra > #gone and 'more than ' .. keep .. ' dead jobs' or 'more than ' .. bytes .. ' bytes of dead jobs'
    audit_discard(queue, id, reason)
    too_heavy = too_heavy - dead_weight(queue, id)
    gone[#gone + 1] = id
  end
  count(batch, 'discarded', #gone)
  return forget(batch, 'dead', 'failed', gone, default_dedup)
end
