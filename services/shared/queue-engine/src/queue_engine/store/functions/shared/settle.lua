-- Reports of workers: checked as a whole, then applied one by one. Each is id, token, kind and what the kind says besides.

-- Where each report in args begins, from `first` on; an error for an unknown kind.
local function find_reports(args, first)
  local reports, at = {}, first
  while at <= #args do
    local size = REPORT_SIZE[args[at + 2]]
    if not size or at + size - 1 > #args then error('malformed report at ARGV ' .. at) end
    reports[#reports + 1] = at
    at = at + size
  end
  return reports
end

-- The fields every kind needs when `worker` holds the lease with `token`, by what was read of the job at `key`; nil when it
-- does not. Only an earlier delivery can have left lost leases or an error.
local function held_job(key, values, token, worker)
  if values[1] ~= 'active' then return nil end
  local l = held_delivery(key, values[2], token, worker)
  if not l then return nil end
  local job = { l = l, cx = values[3] or nil }
  if not is_first_delivery(l, token) then
    local left = redis.call('HMGET', key, 'll', 'e')
    job.ll, job.e = left[1] or nil, left[2] or nil
  end
  return job
end

-- A release of a job that never began says nothing about it: it stays a suspect, but another may be tried.
local function settle_one(batch, args, at, key, job)
  local queue, id, kind = batch.queue, args[at], args[at + 2]
  index_remove(batch, 'active', id)
  OUTCOMES[kind](batch, id, key, job, unpack(args, at + 3, at + REPORT_SIZE[kind] - 1))
  if kind == 'released' and args[at + 3] ~= '1' then
    if job.ll then end_trial(queue, job.l) end
  else
    clear_suspect(queue, key, job)
  end
end

-- Whether a job of which this was read may be completed without looking further: at its first delivery, and nobody asked for
-- its cancel. Most are.
local function is_simple(values, token, worker)
  local l = values[2]
  return values[1] == 'active' and not values[3] and is_holder(l, token, worker) and is_first_delivery(l, token)
end

-- The same as settle_one, of a simple job that returned nothing.
local function complete_simple(batch, id, key)
  redis.call('HSET', key, 's', 'completed')
  index_remove(batch, 'active', id)
  index_add(batch, 'completed', batch.queue.now, id)
end

-- Apply the reports of `worker`; returns the positions (from 0) of the stale ones.
local function settle(batch, args, reports, worker)
  local stale, simple = {}, 0
  for i, at in ipairs(reports) do
    local id, token = args[at], args[at + 1]
    local key = job_key(batch.queue, id)
    local values = redis.pcall('HMGET', key, 's', 'l', 'cx') -- of an error, no value
    if args[at + 2] == 'returned' and is_simple(values, token, worker) then
      simple = simple + 1
      complete_simple(batch, id, key)
    else
      local job = held_job(key, values, token, worker)
      if job then
        settle_one(batch, args, at, key, job)
      else
        stale[#stale + 1] = i - 1
      end
    end
  end
  if simple > 0 then count_minute(batch, 'completed', simple) end
  if #stale > 0 then count(batch, 'stale', #stale) end
  if #reports > 0 then flush(batch) end
  if batch.due then wake_for_delayed(batch.queue, batch.due) end
  return stale
end
