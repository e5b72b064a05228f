-- The transition that gives a job back unfinished: nothing is burnt.

function OUTCOMES.released(batch, id, key, job, has_begun)
  read_more(key, job)
  local begun = has_begun == '1'
  if begun then record_attempt(batch.queue, id, job, 'released') end
  if job.cx then
    honour_cancel(batch, id, key, job)
    return
  end
  redis.call('HSET', key, 's', 'waiting', 'l', begun and job.l or uncount_delivery(job.l))
  return_to_waiting(batch, id, taken_from(job.l), job.p, begun and 0 or tonumber(job.ll) or 0)
  count(batch, 'released')
end
