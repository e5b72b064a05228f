-- How a job ends badly: dead (kept until somebody handles it) or cancelled (taken by retention).

local FAILED_FIELDS = { 'e', 'ec', 'ek', 't1', 'cn' }

-- The worker runs no suspect any more; one that waited for such a worker may be taken now.
local function end_trial(queue, l)
  redis.call('HDEL', queue.prefix .. 'trials', delivery_worker(l))
  if redis.call('EXISTS', queue.prefix .. 'suspects') == 1 then wake(queue) end
end

-- The lease ended with a word from its worker or for good: the job is no suspect any more.
local function clear_suspect(queue, key, job)
  if not job.ll then return end
  redis.call('HDEL', key, 'll')
  end_trial(queue, job.l)
end

local function bury(batch, id, key, reason, class, kind)
  local now = batch.queue.now
  redis.call('HSET', key, 's', 'failed', 't1', now, 'e', reason, 'ec', class, 'ek', kind)
  index_add(batch, 'failed', now, id)
  index_add(batch, 'dead', now, id)
  join_group(batch.queue, id, key, reason, class, 'dead')
  join_dead(batch.queue, id, key)
  count_minute(batch, 'failed')
  count(batch, 'failed:' .. kind)
end

local function end_cancelled(batch, id, key, reason)
  local now = batch.queue.now
  if reason == '' then reason = 'Manually cancelled' end
  redis.call('HSET', key, 's', 'failed', 't1', now, 'e', reason, 'ec', '', 'ek', 'cancelled', 'cn', '1')
  index_add(batch, 'failed', now, id)
  index_add(batch, 'cancelled', now, id)
  join_group(batch.queue, id, key, reason, '', 'cancelled')
  count(batch, 'cancelled')
  count(batch, 'failed:cancelled')
end

-- A running job whose cancel was asked for has ended otherwise than well.
local function honour_cancel(batch, id, key, job)
  local request = job.cx and read_request(job.cx)
  end_cancelled(batch, id, key, request and request[5] or '')
  if request then audit_cancel_outcome(batch.queue, id, request, 'cancelled') end
end
