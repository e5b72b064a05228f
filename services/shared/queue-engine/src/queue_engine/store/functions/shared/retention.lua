-- Forgetting finished jobs. Dead ones go only beyond a bound that is far above what anybody can look through, and each
-- leaves a record.

-- Add a job's `key` to `keys`, and those of its lists unless it is known to have none.
local function add_keys(queue, keys, id, key, has_no_lists)
  keys[#keys + 1] = key
  if has_no_lists then return end
  for _, kind in ipairs(LISTS) do keys[#keys + 1] = queue.prefix .. kind .. id end
end

local function unlink(keys)
  for first = 1, #keys, UNPACK_LIMIT do
    redis.call('UNLINK', unpack(keys, first, math.min(first + UNPACK_LIMIT - 1, #keys)))
  end
end

-- Remove all that is known of a job except its places in indexes.
local function unlink_job(queue, id)
  local keys = {}
  add_keys(queue, keys, id, job_key(queue, id))
  unlink(keys)
end

-- Leave a tombstone of a job that ended at `ended` ms: it answers a repeated enqueue until the deduplication window ends.
-- Returns whether the job is known to have no lists: functions before 1.7 kept no note of them.
local function leave_tombstone(queue, id, key, state, ended, default_dedup)
  local job = redis.pcall('HMGET', key, 'm', 'h')
  if job.err then return false end
  local digest, window, by = read_identity(key, job[1])
  if digest == '' then return false end
  local left = ended + (window or default_dedup) - queue.now
  local words = state .. ' ' .. digest .. (by and ' ' .. by or '')
  if left > 0 then redis.call('SET', queue.prefix .. 't:' .. id, words, 'PX', left) end
  return job[1] and not job[2]
end

-- Forget the first jobs of an index, which hold `state`; `found` are these, each with the time in ms when it ended. Returns
-- how many.
local function forget(batch, index, state, found, default_dedup)
  if #found == 0 then return 0 end
  local queue, keys = batch.queue, {}
  for i = 1, #found, 2 do
    local id = found[i]
    local key = job_key(queue, id)
    add_keys(queue, keys, id, key, leave_tombstone(queue, id, key, state, found[i + 1], default_dedup))
    if state == 'failed' then leave_group(queue, id) end
    if index == 'dead' then leave_dead(queue, id) end
    if index ~= state then index_remove(batch, state, id) end
  end
  redis.call('ZREMRANGEBYRANK', queue.prefix .. index, 0, #found / 2 - 1) -- cheaper than their names
  unlink(keys)
  count(batch, 'pruned', #found / 2)
  flush(batch)
  return #found / 2
end

-- Keep the newest `keep` of an index and none older than `age` ms; at most `limit` go. `state` is what the jobs are.
local function prune(batch, index, state, keep, age, default_dedup, limit)
  local queue = batch.queue
  local key = queue.prefix .. index
  local extra = math.min(redis.call('ZCARD', key) - keep, limit)
  local found = extra > 0 and redis.call('ZRANGE', key, 0, extra - 1, 'WITHSCORES') or {}
  if #found == 0 and age then
    found = redis.call('ZRANGEBYSCORE', key, '-inf', '(' .. queue.now - age, 'WITHSCORES', 'LIMIT', 0, limit)
  end
  return forget(batch, index, state, found, default_dedup)
end

-- Tell the audit log which dead job is forgotten, and not what it held.
local function audit_discard(queue, id, reason)
  local key = job_key(queue, id)
  local job = redis.pcall('HMGET', key, 'm', 'ek', 't1')
  if job.err then job = {} end
  local event = redis.sha1hex(queue.prefix .. id .. ':' .. (job[3] or '') .. ':' .. queue.now)
  local detail = cjson.encode({ name = job_name(key, job[1]), kind = job[2] or '?', diedAt = tonumber(job[3] or nil) })
  audit(queue, { event, 'retention', '', '', reason }, 'discard', id, detail)
end

-- Forget the oldest dead jobs beyond `keep` of them or `bytes` in all, at most `limit`. Returns how many.
local function discard_dead(batch, keep, bytes, default_dedup, limit)
  local queue, gone, n = batch.queue, {}, 0
  local extra = redis.call('ZCARD', queue.prefix .. 'dead') - keep
  local too_heavy = (tonumber(redis.call('HGET', queue.meta, 'dead_bytes') or nil) or 0) - bytes
  if extra <= 0 and too_heavy <= 0 then return 0 end
  local found = redis.call('ZRANGE', queue.prefix .. 'dead', 0, limit - 1, 'WITHSCORES')
  for i = 1, #found, 2 do
    local id = found[i]
    if extra <= n and too_heavy <= 0 then break end
    local reason = extra > n and 'more than ' .. keep .. ' dead jobs' or 'more than ' .. bytes .. ' bytes of dead jobs'
    audit_discard(queue, id, reason)
    too_heavy = too_heavy - dead_weight(queue, id)
    gone[i], gone[i + 1], n = id, found[i + 1], n + 1
  end
  count(batch, 'discarded', n)
  return forget(batch, 'dead', 'failed', gone, default_dedup)
end
