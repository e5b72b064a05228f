-- The transition that defers a job: a dependency is away, so it waits uncounted, up to its maximum age.

function OUTCOMES.deferred(batch, id, key, job, reason, kind, delay, age_limit)
  local queue = batch.queue
  read_more(key, job)
  local since = tonumber(job.df) or queue.now
  local limit = math.min(max_age(job.c), tonumber(age_limit) or math.huge)
  if job.cx then
    record_attempt(queue, id, job, 'cancelled', reason)
    honour_cancel(batch, id, key, job)
  elseif queue.now - since > limit then
    record_attempt(queue, id, job, 'failed', reason)
    bury(batch, id, key, reason, '', kind)
  else
    record_attempt(queue, id, job, 'deferred', reason)
    redis.call('HSET', key, 's', 'delayed', 'df', since, 'e', reason, 'ec', '', 'ek', kind)
    index_add(batch, 'delayed', queue.now + delay, id)
    batch.due = math.min(batch.due or math.huge, queue.now + delay)
    count(batch, 'deferred')
  end
end
