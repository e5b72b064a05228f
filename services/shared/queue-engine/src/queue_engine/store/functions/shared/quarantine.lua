-- A job that cannot be read is set aside as dead with its bytes, so that it can never stop the others.

local RAW_LIMIT = 65536

-- What lies at a key that should be a job's hash: a string's own bytes, of anything else what RESTORE makes it from again,
-- unless that is large; and a word on what it is.
local function raw_bytes(key)
  local kind = redis.call('TYPE', key).ok
  if kind == 'string' then return redis.call('GETRANGE', key, 0, RAW_LIMIT - 1), 'is a string, not a job' end
  if kind == 'none' then return '', 'has no data' end
  local small = redis.call('MEMORY', 'USAGE', key) <= RAW_LIMIT
  return small and redis.call('DUMP', key) or '', 'is a ' .. kind .. ', not a job'
end

-- Set the job aside. The caller takes it out of the index it was found in.
local function quarantine(batch, id)
  local key = job_key(batch.queue, id)
  local problem = 'misses fields'
  if redis.call('TYPE', key).ok ~= 'hash' then
    local raw
    raw, problem = raw_bytes(key)
    redis.call('UNLINK', key)
    redis.call('HSET', key, 'd', raw)
  end
  complete_made(key, batch.queue.now)
  redis.call('HSET', key, 'mf', '1')
  redis.call('HDEL', key, 'cn') -- it may have been cancelled before it was damaged
  bury(batch, id, key, 'the stored job ' .. problem, '', 'payload_invalid')
end
