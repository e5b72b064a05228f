-- Handing out jobs. Everything is read and judged first, then written.

-- What a worker needs besides of a job that is not plain or was delivered before: options, settings, attempts, the number of
-- the delivery that is to come, lost leases; nil when it cannot be read.
local function read_rest(key, l)
  local rest, deliveries = redis.call('HMGET', key, 'o', 'c', 'at', 'll'), 0
  if l then deliveries = delivery_number(current_delivery(key, l)) end
  local attempts = tonumber(rest[3] or 0)
  if not (attempts and deliveries) then return nil end
  return { rest[1] or '', rest[2] or '', attempts, deliveries + 1, tonumber(rest[4] or 0) or 0 }
end

-- The waiting job `id` as far as a worker needs it: nil when it cannot be read, false when it is in another state, which is
-- left to its own index. Most are plain and come for the first time.
local function read_candidate(queue, id, score)
  local key = job_key(queue, id)
  local values = redis.pcall('HMGET', key, 's', 'm', 'd', 'l')
  if values.err then return nil end
  local state, data, l = values[1], values[3], values[4]
  local made, plain = whole_made(key, values[2])
  if not (state and made and data) then return nil end
  local more = nil
  if l or not plain then
    more = read_rest(key, l)
    if not more then return nil end
  end
  return state == 'waiting' and { id = id, key = key, score = score, made = made, data = data, more = more }
end

-- Sort what was found into jobs to lease and ids to set aside.
local function read_candidates(queue, found, leases, bad)
  for i = 1, #found, 2 do
    local job = read_candidate(queue, found[i], found[i + 1])
    if job then
      leases[#leases + 1] = job
    elseif job == nil then
      bad[#bad + 1] = found[i]
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

-- Append to `out` what a worker needs of a job: id, token, how it was made (made.lua), data, and '' or the list of more.
local function append_lease(out, job, token)
  local n = #out
  out[n + 1], out[n + 2], out[n + 3], out[n + 4], out[n + 5] = job.id, token, job.made, job.data, job.more or ''
end

local NOTHING_MORE = { '', '', 0, 1, 0 }

-- The same for services before 1.9: id, token, name, data, options, settings, created, attempts, deliveries, lost leases.
local function append_older_lease(out, job, token)
  local n, more, name, created = #out, job.more or NOTHING_MORE, read_made(job.key, job.made)
  out[n + 1], out[n + 2], out[n + 3], out[n + 4], out[n + 5] = job.id, token, name, job.data, more[1]
  out[n + 6], out[n + 7], out[n + 8], out[n + 9], out[n + 10] = more[2], created, more[3], more[4], more[5]
end

-- Lease the jobs and tell of each by `append`.
local function write_leases(batch, leases, worker, deadline, append)
  local queue, out = batch.queue, {}
  local token = reserve_tokens(queue, #leases)
  for i = 1, #leases do
    local job = leases[i]
    local number = job.more and job.more[4] or '1' -- nearly all, see now_text
    local own = string.format('%d', token + i) -- by itself Lua writes 14 digits
    redis.call('HSET', job.key, 's', 'active', 'l', pack_delivery(own, now_text(queue), number, job.score, worker))
    index_add(batch, 'active', deadline, job.id)
    append(out, job, token + i)
  end
  count(batch, 'started', #leases)
  return out
end

-- A suspect goes out alone, and only to a worker that runs none; nil when there is none to give. A worker that runs one and
-- took the marker in vain does not set it again, or it would wake itself without end: an idle worker finds the next suspect
-- when it looks by itself (within a second), or when a trial ends.
local function next_suspect(queue, worker)
  local found = redis.call('ZRANGE', queue.prefix .. 'suspects', 0, 0, 'WITHSCORES')
  if not found[1] or redis.call('HEXISTS', queue.prefix .. 'trials', worker) == 1 then return nil end
  return found
end

-- Lease up to `want` jobs to `worker` until `deadline`; returns what `append` told of each, and how many.
local function take(batch, worker, want, deadline, append)
  local queue, index = batch.queue, 'suspects'
  if queue.paused or want <= 0 then return {}, 0 end
  local found = next_suspect(queue, worker)
  local suspect = found and found[1]
  if not found then
    index = 'waiting'
    found = redis.call('ZRANGE', queue.prefix .. index, 0, want - 1, 'WITHSCORES')
  end
  if #found == 0 then return {}, 0 end
  local leases, bad, told = {}, {}, {}
  read_candidates(queue, found, leases, bad)
  redis.call('ZREMRANGEBYRANK', queue.prefix .. index, 0, #found / 2 - 1)
  for _, id in ipairs(bad) do quarantine(batch, id) end
  if #leases > 0 then
    told = write_leases(batch, leases, worker, deadline, append)
    if suspect then redis.call('HSET', queue.prefix .. 'trials', worker, suspect) end
  end
  flush(batch)
  if redis.call('EXISTS', queue.prefix .. 'waiting', queue.prefix .. 'suspects') > 0 then wake(queue) end
  return told, #leases
end
