-- Reading jobs for people.

local ACTIVE_LIMIT = 2000 -- as many active jobs can be paged through

local function add_field(fields, name, value)
  fields[#fields + 1] = name
  fields[#fields + 1] = '' .. value
end

-- Add to a job's flat fields what services know as fields: its name n, the time of creation ts, the end t1. Returns its state.
local function add_fields(queue, id, key, fields)
  local has = {}
  for i = 1, #fields, 2 do has[fields[i]] = fields[i + 1] end
  local name, created = read_made(key, has.m)
  if has.m and name then
    add_field(fields, 'n', name)
    add_field(fields, 'ts', created)
  end
  local ended = has.s == 'completed' and not has.t1 and ended_at(queue, id)
  if ended then add_field(fields, 't1', ended) end
  return has.s
end

-- One job: id, due time or '', its newest attempt record when it failed or '', then its fields flat; nil when it cannot be read.
local function read_job(queue, id, due)
  local key = job_key(queue, id)
  local fields = redis.pcall('HGETALL', key)
  if fields.err or #fields == 0 then return nil end
  local state = add_fields(queue, id, key, fields)
  local last = state == 'failed' and redis.call('LINDEX', queue.prefix .. 'a:' .. id, -1)
  if state == 'delayed' and not due then due = redis.call('ZSCORE', queue.prefix .. 'delayed', id) end
  return { id, due or '', last or '', fields }
end

-- Active jobs in the order they were taken; the index itself is ordered by lease deadline.
local function active_ids(queue)
  local ids = redis.call('ZRANGE', queue.prefix .. 'active', 0, ACTIVE_LIMIT - 1)
  local tokens = {}
  for _, id in ipairs(ids) do
    local lease = redis.pcall('HMGET', job_key(queue, id), 'l')
    tokens[id] = tonumber(string.match(lease[1] or '', '^%d+')) or 0
  end
  table.sort(ids, function(a, b)
    if tokens[a] == tokens[b] then return a < b end
    return tokens[a] < tokens[b]
  end)
  return ids
end

-- Waiting jobs by rank: suspects come first, as they do for workers; or from the other end.
local function waiting_ids(queue, offset, limit, newest)
  local command = newest and 'ZREVRANGE' or 'ZRANGE'
  local first, second = queue.prefix .. 'suspects', queue.prefix .. 'waiting'
  if newest then first, second = second, first end
  local size = redis.call('ZCARD', first)
  local ids = redis.call(command, first, offset, offset + limit - 1)
  local from, rest = math.max(0, offset - size), limit - #ids
  if rest > 0 then
    for _, id in ipairs(redis.call(command, second, from, from + rest - 1)) do ids[#ids + 1] = id end
  end
  return ids
end

-- How many waiting jobs are taken before this one; -1 when it does not wait.
local function jobs_ahead(queue, id)
  local rank = redis.call('ZRANK', queue.prefix .. 'suspects', id)
  if rank then return rank end
  rank = redis.call('ZRANK', queue.prefix .. 'waiting', id)
  return rank and rank + redis.call('ZCARD', queue.prefix .. 'suspects') or -1
end

local function state_size(queue, state)
  local size = redis.call('ZCARD', queue.prefix .. state)
  if state == 'waiting' then size = size + redis.call('ZCARD', queue.prefix .. 'suspects') end
  return size
end

-- Ids of a state (or of the dead index, or of an error group g:<group>) from rank `offset` on. `order` is 'oldest' or
-- 'newest' first; else as people want to see them: what has ended newest first, all others in the order of what comes.
local function page_ids(queue, state, offset, limit, order)
  if state == 'waiting' then return waiting_ids(queue, offset, limit, order == 'newest') end
  if state == 'active' then
    local all, ids = active_ids(queue), {}
    for i = offset + 1, math.min(offset + limit, #all) do
      ids[#ids + 1] = all[order == 'newest' and #all + 1 - i or i]
    end
    return ids
  end
  local oldest = order == 'oldest' or (state == 'delayed' and order ~= 'newest')
  return redis.call(oldest and 'ZRANGE' or 'ZREVRANGE', queue.prefix .. state, offset, offset + limit - 1)
end

-- When the job that would be taken next became runnable, in ms; nil when none waits.
local function oldest_runnable(queue)
  local id = waiting_ids(queue, 0, 1)[1]
  if not id then return nil end
  local key = job_key(queue, id)
  local since = redis.pcall('HMGET', key, 'rs', 'm')
  if since.err then return queue.now end
  local _, created = read_made(key, since[2])
  return tonumber(since[1] or nil) or created or queue.now
end
