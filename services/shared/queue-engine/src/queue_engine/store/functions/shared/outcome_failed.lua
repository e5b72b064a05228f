-- The transition that fails a job: another attempt after its backoff, or dead when none is left.

function OUTCOMES.failed(batch, id, key, job, reason, class, stack, kind, delay)
  local queue = batch.queue
  delay = tonumber(delay)
  read_more(key, job)
  local attempts = (tonumber(job.at) or 0) + 1
  redis.call('HSET', key, 'at', attempts)
  if job.df then redis.call('HDEL', key, 'df') end
  if job.cx then
    record_attempt(queue, id, job, 'cancelled', reason, stack)
    honour_cancel(batch, id, key, job)
  elseif delay and attempts < max_attempts(job.c) then
    record_attempt(queue, id, job, 'retried', reason, stack)
    redis.call('HSET', key, 's', 'delayed', 'e', reason, 'ec', class, 'ek', kind)
    index_add(batch, 'delayed', queue.now + delay, id)
    batch.due = math.min(batch.due or math.huge, queue.now + delay)
    count(batch, 'retried')
    count(batch, 'failed:' .. kind)
  else
    record_attempt(queue, id, job, 'failed', reason, stack)
    bury(batch, id, key, reason, class, kind)
  end
end
