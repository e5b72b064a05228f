-- Handing out jobs. Everything is read and judged first, then written.

-- What earlier deliveries left in a job; false when it cannot be read.
local function read_earlier(key, job)
  local more = redis.call('HMGET', key, 'at', 'll')
  job.attempts, job.lost = tonumber(more[1] or 0), tonumber(more[2] or 0) or 0
  job.deliveries = delivery_number(current_delivery(key, job.l))
  return job.attempts and job.deliveries and true
end

-- The job at `key` as far as a worker needs it, nil when it cannot be read. Most were never delivered before.
local function read_candidate(key)
  local values = redis.pcall('HMGET', key, 's', 'm', 'd', 'o', 'c', 'l')
  if values.err then return nil end
  local name, created = read_made(key, values[2])
  local job = {
    key = key, state = values[1], name = name, data = values[3], options = values[4] or '', settings = values[5] or '',
    created = created, l = values[6], attempts = 0, deliveries = 0, lost = 0,
  }
  local whole = job.state and job.name and job.data and job.created and (not job.l or read_earlier(key, job))
  return whole and job or nil
end

-- Sort what was found into jobs to lease and ids to set aside; one that is in another state is left to its own index.
local function read_candidates(batch, found, leases, bad)
  for i = 1, #found, 2 do
    local id = found[i]
    local job = read_candidate(job_key(batch.queue, id))
    if not job then
      bad[#bad + 1] = id
    elseif job.state == 'waiting' then
      job.id, job.score = id, found[i + 1]
      leases[#leases + 1] = job
    end
  end
end

-- Reserve `amount` tokens; returns the number before the first. They follow the clock, in microseconds, so that they rise
-- even when the store forgot the last ones it gave (a power loss, a copy, an empty disk): those fence things outside it.
local function reserve_tokens(queue, amount)
  local last = tonumber(redis.call('HGET', queue.meta, 'token') or nil) or 0
  local token = math.max(last, queue.now * 1000)
  redis.call('HSET', queue.meta, 'token', string.format('%.0f', token + amount))
  return token
end

-- Append to `out` what a worker needs of each job: id, token, name, data, options, settings, created, attempts,
-- deliveries, lost leases.
local function write_leases(batch, leases, worker, deadline, out)
  local queue = batch.queue
  local token = reserve_tokens(queue, #leases)
  local k = #out
  for i = 1, #leases do
    local job = leases[i]
    local number = job.deliveries + 1
    local text = number == 1 and '1' or number -- nearly all, see now_text
    local own = string.format('%d', token + i) -- by itself Lua writes 14 digits
    redis.call('HSET', job.key, 's', 'active', 'l', pack_delivery(own, now_text(queue), text, job.score, worker))
    index_add(batch, 'active', deadline, job.id)
    out[k + 1], out[k + 2], out[k + 3], out[k + 4], out[k + 5] = job.id, token + i, job.name, job.data, job.options
    out[k + 6], out[k + 7], out[k + 8], out[k + 9], out[k + 10] =
      job.settings, job.created, job.attempts, number, job.lost
    k = k + 10
  end
  count(batch, 'started', #leases)
end

-- A suspect goes out alone, and only to a worker that runs none; nil when there is none to give. A worker that runs one and
-- took the marker in vain does not set it again, or it would wake itself without end: an idle worker finds the next suspect
-- when it looks by itself (within a second), or when a trial ends.
local function next_suspect(queue, worker)
  local found = redis.call('ZRANGE', queue.prefix .. 'suspects', 0, 0, 'WITHSCORES')
  if not found[1] or redis.call('HEXISTS', queue.prefix .. 'trials', worker) == 1 then return nil end
  return found
end

-- Lease up to `want` jobs to `worker` until `deadline`; returns the flat list described at write_leases.
local function take(batch, worker, want, deadline)
  local queue, index, out = batch.queue, 'suspects', {}
  if queue.paused or want <= 0 then return out end
  local found = next_suspect(queue, worker)
  local suspect = found and found[1]
  if not found then
    index = 'waiting'
    found = redis.call('ZRANGE', queue.prefix .. index, 0, want - 1, 'WITHSCORES')
  end
  if #found == 0 then return out end
  local leases, bad = {}, {}
  read_candidates(batch, found, leases, bad)
  redis.call('ZREMRANGEBYRANK', queue.prefix .. index, 0, #found / 2 - 1)
  for _, id in ipairs(bad) do quarantine(batch, id) end
  if #leases > 0 then
    write_leases(batch, leases, worker, deadline, out)
    if suspect then redis.call('HSET', queue.prefix .. 'trials', worker, suspect) end
  end
  flush(batch)
  if redis.call('EXISTS', queue.prefix .. 'waiting', queue.prefix .. 'suspects') > 0 then wake(queue) end
  return out
end
