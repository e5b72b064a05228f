-- Dead letters by weight: nothing takes them but a bound on their number and bytes, so the bytes are kept count of.
-- meta has dead_bytes for the queue, a dead job its own share in w.

-- What a job and its records occupy in the store.
local function weigh(queue, id)
  local bytes = 0
  for _, kind in ipairs({ 'j:', 'a:', 'l:' }) do
    bytes = bytes + (redis.call('MEMORY', 'USAGE', queue.prefix .. kind .. id, 'SAMPLES', 0) or 0)
  end
  return bytes
end

-- A job that died joins the dead; its history is written by now.
local function join_dead(queue, id, key)
  local bytes = weigh(queue, id)
  redis.call('HSET', key, 'w', bytes)
  redis.call('HINCRBY', queue.meta, 'dead_bytes', bytes)
end

-- Its share of the bytes, 0 for a job that is not dead.
local function dead_weight(queue, id)
  local bytes = redis.pcall('HGET', job_key(queue, id), 'w')
  return type(bytes) == 'string' and tonumber(bytes) or 0
end

-- A job that fails no more leaves the dead, if it was one of them. Its hash still has to be there.
local function leave_dead(queue, id)
  local bytes = dead_weight(queue, id)
  if bytes ~= 0 then redis.call('HINCRBY', queue.meta, 'dead_bytes', -bytes) end
end
