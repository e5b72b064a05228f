-- Due jobs move from delayed to the end of their priority class.

local PROMOTE_LIMIT = 100

-- A delayed job becomes waiting as the last of its priority class; one that is still a suspect goes to the suspects.
local function make_runnable(batch, id, key, priority, lost, sequence)
  redis.call('HSET', key, 's', 'waiting', 'rs', batch.queue.now)
  return_to_waiting(batch, id, wait_score(priority, sequence), priority, tonumber(lost) or 0)
end

-- Move up to PROMOTE_LIMIT due jobs; returns how many.
local function promote(batch)
  local queue = batch.queue
  local ids = redis.call('ZRANGEBYSCORE', queue.prefix .. 'delayed', '-inf', queue.now, 'LIMIT', 0, PROMOTE_LIMIT)
  if #ids == 0 then return 0 end
  local sequence = reserve_sequence(queue, #ids)
  for i, id in ipairs(ids) do
    local key = job_key(queue, id)
    local job = redis.pcall('HMGET', key, 's', 'p', 'll')
    index_remove(batch, 'delayed', id)
    if job.err or not job[1] then
      quarantine(batch, id)
    elseif job[1] == 'delayed' then
      make_runnable(batch, id, key, job[2], job[3], sequence + i)
    end
  end
  flush(batch)
  return #ids
end

-- A job that is now the first to come due changes how long an idle worker may sleep.
local function wake_for_delayed(queue, due)
  local head = redis.call('ZRANGE', queue.prefix .. 'delayed', 0, 0, 'WITHSCORES')
  if head[2] and tonumber(head[2]) >= due then wake(queue) end
end
