-- Opening a queue: its key prefix, the store's clock, the data layout it was made with.
-- Every other key of the queue is queue.prefix .. suffix and so lies in the cluster slot of KEYS[1].

local LAYOUT = '1'

-- Milliseconds since the epoch by the store, the only clock that decides anything.
local function clock()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- The queue behind its meta hash, or nil and the refusal to return to the caller.
local function open_queue(meta)
  local fields = redis.call('HMGET', meta, 'layout', 'paused')
  if not fields[1] then return nil, { 'UNKNOWN_QUEUE' } end
  if fields[1] ~= LAYOUT then return nil, { 'LAYOUT', fields[1] } end
  return { meta = meta, prefix = string.sub(meta, 1, -5), now = clock(), paused = fields[2] }
end

-- The same time as text: what is joined to a string costs 4,000 instructions as a number.
local function now_text(queue)
  queue.now_text = queue.now_text or '' .. queue.now
  return queue.now_text
end

local function job_key(queue, id)
  return queue.prefix .. 'j:' .. id
end

-- Wake exactly one idle worker: it blocks on this set with BZPOPMIN.
local function wake(queue)
  if not queue.paused then redis.call('ZADD', queue.prefix .. 'mark', 0, '0') end
end
