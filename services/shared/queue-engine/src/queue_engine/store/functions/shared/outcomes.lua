-- What each kind of report does to a job whose lease was found to be the reporter's.
-- A handler gets the batch, the job's id and key, its fields (see read_leased; at, c, df when counted) and the report.

local OUTCOMES = {}

-- How many ARGV entries a report of each kind takes, id, token and kind included.
local REPORT_SIZE = { completed = 4, failed = 8, deferred = 7, released = 4, interrupted = 3 }

local function read_more(key, job)
  local values = redis.call('HMGET', key, 'c', 't0', 'dl', 'q', 'p', 'df')
  job.c, job.t0, job.dl, job.q, job.p, job.df =
    values[1] or nil, values[2] or nil, values[3] or nil, values[4] or nil, values[5] or nil, values[6] or nil
end

function OUTCOMES.completed(batch, id, key, job, report)
  local now, attempts = batch.queue.now, (tonumber(job.at) or 0) + 1
  if report[1] == '' then
    redis.call('HSET', key, 's', 'completed', 't1', now, 'at', attempts)
  else
    redis.call('HSET', key, 's', 'completed', 't1', now, 'at', attempts, 'r', report[1])
  end
  index_add(batch, 'completed', now, id)
  count_minute(batch, 'completed')
  if job.cx then audit_cancel_outcome(batch.queue, id, read_request(job.cx), 'completed') end
  if job.e then redis.call('HDEL', key, unpack(FAILED_FIELDS, 1, 3)) end
end

function OUTCOMES.failed(batch, id, key, job, report)
  local queue, attempts = batch.queue, (tonumber(job.at) or 0) + 1
  local reason, class, stack, kind, delay = report[1], report[2], report[3], report[4], tonumber(report[5])
  read_more(key, job)
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

function OUTCOMES.deferred(batch, id, key, job, report)
  local queue = batch.queue
  local reason, kind, delay = report[1], report[2], tonumber(report[3])
  read_more(key, job)
  local since = tonumber(job.df) or queue.now
  local limit = math.min(max_age(job.c), tonumber(report[4]) or math.huge)
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

function OUTCOMES.released(batch, id, key, job, report)
  read_more(key, job)
  local begun = report[1] == '1'
  if begun then record_attempt(batch.queue, id, job, 'released') end
  if job.cx then
    honour_cancel(batch, id, key, job)
    return
  end
  redis.call('HSET', key, 's', 'waiting', 'dl', (tonumber(job.dl) or 1) - (begun and 0 or 1))
  return_to_waiting(batch, id, job.q, job.p, begun and 0 or tonumber(job.ll) or 0)
  count(batch, 'released')
end

function OUTCOMES.interrupted(batch, id, key, job)
  read_more(key, job)
  record_attempt(batch.queue, id, job, 'cancelled')
  honour_cancel(batch, id, key, job)
end
