-- Handing out jobs: each that waits gets a lease, and its worker what it needs to run it.

-- What a worker needs besides of a job that is not plain or was delivered before: options, settings, attempts, the number of
-- the delivery that is to come, lost leases; nil when it cannot be read.
local function read_rest(key, l)
  local rest, deliveries = redis.call('HMGET', key, 'o', 'c', 'at', 'll'), 0
  if l then deliveries = delivery_number(current_delivery(key, l)) end
  local attempts = tonumber(rest[3] or 0)
  if not (attempts and deliveries) then return nil end
  return { rest[1] or '', rest[2] or '', attempts, deliveries + 1, tonumber(rest[4] or 0) or 0 }
end

-- How the waiting job at `key` was made (made.lua), its data and '' or the rest of it: nil when it cannot be read, false when
-- it is in another state, which is left to its own index. Most are plain and come for the first time.
local function read_candidate(key)
  local values = redis.pcall('HMGET', key, 's', 'm', 'd', 'l')
  if values.err then return nil end
  local state, data, l = values[1], values[3], values[4]
  local made, plain = whole_made(key, values[2])
  if not (state and made and data) then return nil end
  local rest = ''
  if l or not plain then
    rest = read_rest(key, l)
    if not rest then return nil end
  end
  return state == 'waiting' and made, data, rest
end

-- Reserve `amount` tokens; returns the number before the first. They follow the clock, in microseconds, so that they rise
-- even when the store forgot the last ones it gave (a power loss, a copy, an empty disk): those fence things outside it.
local function reserve_tokens(queue, amount)
  local last = tonumber(redis.call('HGET', queue.meta, 'token') or nil) or 0
  local token = math.max(last, queue.now * 1000)
  redis.call('HSET', queue.meta, 'token', string.format('%.0f', token + amount))
  return token
end

-- Append to `out` what a worker needs of a job: id, token, how it was made, data, and '' or the list of the rest.
local function append_lease(out, id, token, _, made, data, rest)
  local n = #out
  out[n + 1], out[n + 2], out[n + 3], out[n + 4], out[n + 5] = id, token, made, data, rest
end

local NO_REST = { '', '', 0, 1, 0 }

-- The same for services before 1.9: id, token, name, data, options, settings, created, attempts, deliveries, lost leases.
local function append_older_lease(out, id, token, key, made, data, rest)
  local n, name, created = #out, read_made(key, made)
  if rest == '' then rest = NO_REST end
  out[n + 1], out[n + 2], out[n + 3], out[n + 4], out[n + 5] = id, token, name, data, rest[1]
  out[n + 6], out[n + 7], out[n + 8], out[n + 9], out[n + 10] = rest[2], created, rest[3], rest[4], rest[5]
end

-- Lease what was found to be jobs that wait, and tell of each by `append`; set aside what cannot be read. Returns what was
-- told, and how many.
local function lease(batch, found, worker, deadline, append)
  local queue, out, leased = batch.queue, {}, 0
  local token, now = reserve_tokens(queue, #found / 2), now_text(queue)
  for i = 1, #found, 2 do
    local id = found[i]
    local key = job_key(queue, id)
    local made, data, rest = read_candidate(key)
    if made then
      leased = leased + 1
      local own, number = string.format('%d', token + leased), rest == '' and '1' or rest[4] -- by itself Lua writes 14 digits
      redis.call('HSET', key, 's', 'active', 'l', pack_delivery(own, now, number, found[i + 1], worker))
      index_add(batch, 'active', deadline, id)
      append(out, id, token + leased, key, made, data, rest)
    elseif made == nil then
      quarantine(batch, id)
    end
  end
  if leased > 0 then count(batch, 'started', leased) end
  return out, leased
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
  local told, leased = lease(batch, found, worker, deadline, append)
  redis.call('ZREMRANGEBYRANK', queue.prefix .. index, 0, #found / 2 - 1)
  if suspect and leased > 0 then redis.call('HSET', queue.prefix .. 'trials', worker, suspect) end
  flush(batch)
  if redis.call('EXISTS', queue.prefix .. 'waiting', queue.prefix .. 'suspects') > 0 then wake(queue) end
  return told, leased
end
