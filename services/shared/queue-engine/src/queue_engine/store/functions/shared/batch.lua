-- Changes of indexes and counters gathered over a call and written once per key: that is what makes a job cheap.

local UNPACK_LIMIT = 1000 -- values per command; Lua's stack bounds unpack at about 8,000

local function new_batch(queue)
  return { queue = queue, removed = {}, added = {}, counts = {}, minutes = {} }
end

local function index_remove(batch, index, id)
  local list = batch.removed[index]
  if not list then
    list = {}
    batch.removed[index] = list
  end
  list[#list + 1] = id
end

local function index_add(batch, index, score, id)
  local list = batch.added[index]
  if not list then
    list = {}
    batch.added[index] = list
  end
  list[#list + 1] = score
  list[#list + 1] = id
end

local function count(batch, event, amount)
  batch.counts[event] = (batch.counts[event] or 0) + (amount or 1)
end

-- Counts as well, and the event shows in the charts too.
local function count_minute(batch, event, amount)
  batch.minutes[event] = (batch.minutes[event] or 0) + (amount or 1)
end

local function in_steps(command, key, list)
  for first = 1, #list, UNPACK_LIMIT do
    redis.call(command, key, unpack(list, first, math.min(first + UNPACK_LIMIT - 1, #list)))
  end
end

-- Counters, and for the charts one hash per hour that expires by itself a day later: fields are <minute of the hour>:<event>.
local function write_counts(batch)
  local queue = batch.queue
  for event, amount in pairs(batch.counts) do redis.call('HINCRBY', queue.meta, 'n:' .. event, amount) end
  local minute = math.floor(queue.now / 60000)
  local key = queue.prefix .. 'minutes:' .. math.floor(minute / 60)
  for event, amount in pairs(batch.minutes) do
    redis.call('HINCRBY', queue.meta, 'n:' .. event, amount)
    local total = redis.call('HINCRBY', key, (minute % 60) .. ':' .. event, amount)
    if total == amount then redis.call('EXPIRE', key, 26 * 3600) end
  end
end

-- Write what was gathered; the batch is empty afterwards.
local function flush(batch)
  local queue = batch.queue
  for index, ids in pairs(batch.removed) do in_steps('ZREM', queue.prefix .. index, ids) end
  for index, pairs_list in pairs(batch.added) do in_steps('ZADD', queue.prefix .. index, pairs_list) end
  write_counts(batch)
  batch.removed, batch.added, batch.counts, batch.minutes = {}, {}, {}, {}
end
