-- Enqueueing. A job comes as eleven ARGV entries from `at` on: id, name, data, digest, when, priority, settings, owner,
-- options, what to do when the id exists, parent ('<queue>:<id>' or ''). To replace is '<word>:<request>': a job remembers
-- by which request it was made so, and the same request again, whose answer was lost, is answered and not done again.

local NEW_JOB_SIZE = 11

-- Due time in ms of a when-word: "" now, "r<ms>" from now, "a<ms>" absolute.
local function due_time(queue, when)
  if when == '' then return queue.now end
  local ms = tonumber(string.sub(when, 2)) or error('malformed due time')
  return string.sub(when, 1, 1) == 'r' and queue.now + ms or ms
end

-- What there is to know of each job before anything is written. A job is fresh when no hash has its id, nor an earlier one
-- of this call: one look at all of them says it for nearly every call.
local function read_new_jobs(queue, args, first)
  local jobs, graves, keys, seen = {}, {}, {}, {}
  local jobs_at, graves_at = queue.prefix .. 'j:', queue.prefix .. 't:'
  for at = first, #args, NEW_JOB_SIZE do
    local id = args[at]
    local key, n = jobs_at .. id, #jobs + 1
    graves[n], keys[n] = graves_at .. id, key
    jobs[n] = { at = at, id = id, key = key, due = due_time(queue, args[at + 4]), fresh = not seen[id] }
    seen[id] = true
  end
  local known = redis.call('EXISTS', unpack(keys)) > 0
  for i, tombstone in ipairs(redis.call('MGET', unpack(graves))) do
    local job = jobs[i]
    job.tombstone, job.fresh = tombstone, job.fresh and not known
  end
  return jobs
end

-- Fields that are not set when a job says nothing of them, which keeps a plain job small. Written out, for each is looked
-- at for each job.
local function optional_fields(fields, args, at)
  local n, priority, settings, owner, options, parent =
    #fields, args[at + 5], args[at + 6], args[at + 7], args[at + 8], args[at + 10]
  if priority ~= '0' then fields[n + 1], fields[n + 2], n = 'p', priority, n + 2 end
  if settings ~= '' then fields[n + 1], fields[n + 2], n = 'c', settings, n + 2 end
  if owner ~= '' then fields[n + 1], fields[n + 2], n = 'u', owner, n + 2 end
  if options ~= '' then fields[n + 1], fields[n + 2], n = 'o', options, n + 2 end
  if parent ~= '' then fields[n + 1], fields[n + 2] = 'pa', parent end
end

-- Write the job's own fields and its place in the order; `word` is what a replacing request is answered. Returns its state.
local function write_job(batch, args, job, word)
  local queue, id, at, due = batch.queue, job.id, job.at, job.due
  local state = due > queue.now and 'delayed' or 'waiting'
  local identity = pack_identity(args[at + 3], args[at + 6], job.request and word .. ' ' .. job.request)
  local fields = { 's', state, 'n', args[at + 1], 'd', args[at + 2], 'x', identity, 'ts', queue.now }
  optional_fields(fields, args, at)
  redis.call('HSET', job.key, unpack(fields))
  if state == 'delayed' then
    index_add(batch, 'delayed', due, id)
    batch.due = math.min(batch.due or math.huge, due)
  else
    index_add(batch, 'waiting', wait_score(args[at + 5], job.sequence), id)
    batch.woken = true
  end
  return state
end

-- Make a job that is there as new. An earlier one of this very call may still be on its way to the indexes.
local function replace(batch, args, job, state, action)
  if state == 'active' then return 'WRONG_STATE', state end
  flush(batch)
  reopen(batch.queue, job.id, job.key, state)
  -- A person who replaces a backend's job does not take it from the backend.
  if action then args[job.at + 7] = redis.call('HGET', job.key, 'u') or '' end
  redis.call('HDEL', job.key, 'p', 'c', 'u', 'o', 'pa', 'rq')
  note_list(job.key) -- its history stays; functions before 1.7 kept no note of it
  count(batch, 'replaced')
  return 'REPLACED', write_job(batch, args, job, 'REPLACED')
end

-- Accept one job; `known` is what there is of its id. Returns a word of enqueue_jobs and the job's state.
local function accept(batch, args, job, if_exists, known, action)
  local may_replace = if_exists ~= 'return'
  if known.owner then
    if if_exists == 'replace_own' and known.owner ~= args[job.at + 7] then return 'NOT_FOUND', known.state end
    if may_replace then return replace(batch, args, job, known.state, action) end
  end
  if known.state and not may_replace then return known.digest == args[job.at + 3] and 'KNOWN' or 'CONFLICT', known.state end
  if job.tombstone then redis.call('DEL', batch.queue.prefix .. 't:' .. job.id) end
  count_minute(batch, 'added')
  return 'CREATED', write_job(batch, args, job, 'CREATED')
end

-- What there is of the job's id: nothing, a tombstone or a job (which alone has an owner); nil when it cannot be read.
local function read_known(job)
  local known = {}
  if not job.fresh then
    local values = redis.pcall('HMGET', job.key, 's', 'x', 'u')
    if values.err then return nil end
    if values[1] then
      known.state, known.owner = values[1], values[3] or ''
      known.digest, known.made = read_identity(job.key, values[2] or '')
      return known
    end
  end
  if job.tombstone then known.state, known.digest, known.made = read_tombstone(job.tombstone) end
  return known
end

-- As accept; the third value says that the answer is an earlier one of the same request, and nothing was done.
local function enqueue(batch, args, job, action)
  local if_exists = args[job.at + 9]
  if if_exists ~= 'return' then if_exists, job.request = string.match(if_exists, '^([^:]*):?(.*)$') end
  if job.request == '' then job.request = nil end
  local known = read_known(job)
  if not known then return 'CONFLICT', 'failed' end
  local before = job.request and known.digest == args[job.at + 3] and answered_before(known.made, job.request)
  if before then return before, known.state, true end
  return accept(batch, args, job, if_exists, known, action)
end
