-- Schedules: a hash each (sc:<id>), and one index of all by the time they are due next; +inf while paused.

local function schedule_key(queue, id)
  return queue.prefix .. 'sc:' .. id
end

-- Another revision, unique in the queue: what was read before a change, or of one that was removed, never passes for it.
local function new_revision(queue)
  return redis.call('HINCRBY', queue.meta, 'schedule_revisions', 1)
end

local function set_next_run(queue, id, key, due)
  redis.call('HSET', key, 'next', due)
  redis.call('ZADD', queue.prefix .. 'schedules', due, id)
end

-- Enqueue the one job at ARGV[at]. Returns CREATED | KNOWN | CONFLICT.
local function enqueue_scheduled(queue, args, at)
  return enqueue_all(queue, read_jobs(queue, args, at, #args - at + 1))[1]
end

local RUN_WORDS = { CREATED = 'enqueued', KNOWN = 'known', CONFLICT = 'failed' }

-- Note a run; `due` is '' for one by hand. Counts it in the queue's totals and its own.
local function note_run(queue, key, run)
  redis.call('HSET', key, 'last',
    cjson.encode({ run.due, queue.now, run.outcome, run.job or '', run.problem or '', run.missed or 0, run.by or '' }))
  local counts = { runs = 0, failed = 0, missed = run.missed or 0 }
  if run.outcome == 'failed' then
    counts.failed = 1
  elseif run.outcome == 'skipped' then
    counts.missed = counts.missed + 1
  else
    counts.runs = 1
  end
  for name, amount in pairs(counts) do
    if amount > 0 then
      redis.call('HINCRBY', key, name, amount)
      redis.call('HINCRBY', queue.meta, 'n:schedule_' .. name, amount)
    end
  end
end
