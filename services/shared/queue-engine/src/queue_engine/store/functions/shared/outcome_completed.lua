-- The transition that completes a job: its handler returned. When, stands in the index alone (see ended_at).

function OUTCOMES.completed(batch, id, key, job, value)
  local now = batch.queue.now
  if not value or value == '' then
    redis.call('HSET', key, 's', 'completed')
  else
    redis.call('HSET', key, 's', 'completed', 'r', value)
  end
  index_add(batch, 'completed', now, id)
  count_minute(batch, 'completed')
  if job.cx then audit_cancel_outcome(batch.queue, id, read_request(job.cx), 'completed') end
  if job.e then redis.call('HDEL', key, unpack(FAILED_FIELDS, 1, 3)) end
end

-- Most keep nothing of what was returned.
OUTCOMES.returned = OUTCOMES.completed
