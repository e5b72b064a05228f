-- Writing one new job. `at` is where its ten ARGV entries begin: id, name, data, digest, when, priority, settings,
-- owner, options, what to do when the id exists.

-- Due time in ms of a when-word: "" now, "r<ms>" from now, "a<ms>" absolute.
local function due_time(queue, when)
  if when == '' then return queue.now end
  local ms = tonumber(string.sub(when, 2))
  return string.sub(when, 1, 1) == 'r' and queue.now + ms or ms
end

-- Fields that are set only when they say something keep a plain job small.
local function optional_fields(key, args, at)
  local more = {}
  local function add(field, value, absent)
    if value ~= absent then
      more[#more + 1] = field
      more[#more + 1] = value
    end
  end
  add('p', args[at + 5], '0')
  add('c', args[at + 6], '')
  add('u', args[at + 7], '')
  add('o', args[at + 8], '')
  if #more > 0 then redis.call('HSET', key, unpack(more)) end
end

-- Write the job's own fields and its place in the order. Returns its state.
local function write_job(batch, args, at, due, sequence)
  local queue, id = batch.queue, args[at]
  local key = job_key(queue, id)
  local state = due > queue.now and 'delayed' or 'waiting'
  redis.call('HSET', key, 's', state, 'n', args[at + 1], 'd', args[at + 2], 'x', args[at + 3], 'ts', queue.now)
  optional_fields(key, args, at)
  if state == 'delayed' then
    index_add(batch, 'delayed', due, id)
    batch.due = math.min(batch.due or math.huge, due)
  else
    index_add(batch, 'waiting', wait_score(args[at + 5], sequence), id)
    batch.woken = true
  end
  return state
end
