-- Expired leases: the worker died or froze. Its attempt is not counted, but three in a row without a report bury the job.

local LOST_LIMIT = 3
local REAP_LIMIT = 100
local LEASE_FIELDS = { 's', 'l', 'cx', 'll', 'p' }

-- The fields of LEASE_FIELDS by name, or nil when the job cannot be read.
local function read_leased(queue, id)
  local values = redis.pcall('HMGET', job_key(queue, id), unpack(LEASE_FIELDS))
  if values.err or not values[1] then return nil end
  local job = {}
  for i, field in ipairs(LEASE_FIELDS) do job[field] = values[i] or nil end
  job.l = current_delivery(job_key(queue, id), job.l)
  return job
end

local function reap_one(batch, id, job)
  local queue, key = batch.queue, job_key(batch.queue, id)
  local lost = (tonumber(job.ll) or 0) + 1
  record_attempt(queue, id, job, 'lost')
  count(batch, 'lost')
  if job.ll then end_trial(queue, job.l) end
  if job.cx then
    honour_cancel(batch, id, key, job)
  elseif lost >= LOST_LIMIT then
    redis.call('HSET', key, 'll', lost)
    bury(batch, id, key, 'its worker was lost ' .. lost .. ' times in a row', 'WorkerLost', 'worker_lost')
  else
    redis.call('HSET', key, 's', 'waiting', 'll', lost)
    return_to_waiting(batch, id, taken_from(job.l), job.p, lost)
  end
end

-- Handle up to REAP_LIMIT expired leases; returns how many.
local function reap(batch)
  local queue = batch.queue
  local ids = redis.call('ZRANGEBYSCORE', queue.prefix .. 'active', '-inf', queue.now, 'LIMIT', 0, REAP_LIMIT)
  for _, id in ipairs(ids) do
    local job = read_leased(queue, id)
    index_remove(batch, 'active', id)
    if not job then
      quarantine(batch, id)
    elseif job.s == 'active' then
      reap_one(batch, id, job)
    end
  end
  if #ids > 0 then flush(batch) end
  return #ids
end
