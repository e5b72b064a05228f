-- The transition of a job whose handler ended because its cancel was asked for.

function OUTCOMES.interrupted(batch, id, key, job)
  read_more(key, job)
  record_attempt(batch.queue, id, job, 'cancelled')
  honour_cancel(batch, id, key, job)
end
