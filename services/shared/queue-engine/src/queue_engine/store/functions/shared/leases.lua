-- Looking at leases without changing them.

-- {'OK', word per (id, token) pair in args from `first` on}.
local function lease_words(queue, args, first, worker)
  local words = { 'OK' }
  for at = first, #args, 2 do
    local job = redis.pcall('HMGET', job_key(queue, args[at]), 's', 'l', 'cx')
    local held = not job.err and job[1] == 'active' and is_holder(job[2], args[at + 1], worker)
    words[#words + 1] = held and (job[3] and 'CANCEL_REQUESTED' or 'RENEWED') or 'LOST'
  end
  return words
end

-- Give a leased job back without a word from its worker: nothing is counted against it.
local function give_back(batch, id, job)
  local key = job_key(batch.queue, id)
  index_remove(batch, 'active', id)
  if job.ll then end_trial(batch.queue, job.l) end
  if job.cx then
    honour_cancel(batch, id, key, job)
    return
  end
  redis.call('HSET', key, 's', 'waiting', 'l', uncount_delivery(job.l))
  return_to_waiting(batch, id, taken_from(job.l), job.p, tonumber(job.ll) or 0)
  count(batch, 'released')
end
