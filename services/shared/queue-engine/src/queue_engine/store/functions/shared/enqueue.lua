-- Enqueueing. A job comes as eleven ARGV entries from `at` on: id, name, data, digest, when, priority, settings, owner,
-- options, what to do when the id exists, parent ('<queue>:<id>' or ''). To replace is '<word>:<request>': a job remembers
-- by which request it was made so, and the same request again, whose answer was lost, is answered and not done again.

local NEW_JOB_SIZE = 11
local DIGEST_SIZE = 8 -- bytes

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
  for at = first, #args, NEW_JOB_SIZE do
    local id = args[at]
    local n = #jobs + 1
    graves[n], keys[n] = queue.prefix .. 't:' .. id, job_key(queue, id)
    jobs[n] = { at = at, id = id, key = keys[n], due = due_time(queue, args[at + 4]), grave = graves[n], fresh = not seen[id] }
    seen[id] = true
  end
  local known = redis.call('EXISTS', unpack(keys)) > 0
  for i, tombstone in ipairs(redis.call('MGET', unpack(graves))) do
    jobs[i].tombstone = tombstone
    if known then jobs[i].fresh = false end
  end
  return jobs
end

-- The optional fields, where they are in a job's arguments, and what stands there when they say nothing: then they are not
-- set, which keeps a plain job small.
local OPTIONAL = { { 'p', 5, '0' }, { 'c', 6, '' }, { 'u', 7, '' }, { 'o', 8, '' }, { 'pa', 10, '' } }

-- Write the job's own fields and its place in the order. Returns its state.
local function write_job(batch, args, job)
  local queue, id, at, due = batch.queue, job.id, job.at, job.due
  local state = due > queue.now and 'delayed' or 'waiting'
  local fields, n = { 's', state, 'n', args[at + 1], 'd', args[at + 2], 'x', args[at + 3], 'ts', queue.now }, 10
  for _, optional in ipairs(OPTIONAL) do
    local value = args[at + optional[2]]
    if value ~= optional[3] then
      fields[n + 1], fields[n + 2] = optional[1], value
      n = n + 2
    end
  end
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
  redis.call('HDEL', job.key, 'p', 'c', 'u', 'o', 'pa')
  count(batch, 'replaced')
  return 'REPLACED', write_job(batch, args, job)
end

-- State, digest and, of a job that a replacing request made, its word and request; see leave_tombstone.
local function read_tombstone(tombstone)
  local state, rest = string.match(tombstone, '^(%a+) (.*)$')
  return state, string.sub(rest, 1, DIGEST_SIZE), string.sub(rest, DIGEST_SIZE + 2)
end

-- The word that this very request was answered with before; nil when it was not.
local function answered_before(remembered, request)
  local word, by = string.match(remembered or '', '^(%u+) (.+)$')
  return by == request and word or nil
end

-- Accept one job; `action` when a person does it. Returns a word of enqueue_jobs and the job's state.
local function accept(batch, args, job, if_exists, known, action)
  local digest, may_replace = args[job.at + 3], if_exists ~= 'return'
  if known[1] then
    if if_exists == 'replace_own' and (known[3] or '') ~= args[job.at + 7] then return 'NOT_FOUND', known[1] end
    if may_replace then return replace(batch, args, job, known[1], action) end
    return known[2] == digest and 'KNOWN' or 'CONFLICT', known[1]
  end
  if job.tombstone and not may_replace then
    local state, buried = read_tombstone(job.tombstone)
    return buried == digest and 'KNOWN' or 'CONFLICT', state
  end
  if job.tombstone then redis.call('DEL', job.grave) end
  count_minute(batch, 'added')
  return 'CREATED', write_job(batch, args, job)
end

-- As accept; the third value says that the answer is an earlier one of the same request, and nothing was done.
local function enqueue(batch, args, job, action)
  local if_exists, request = string.match(args[job.at + 9], '^([^:]*):?(.*)$')
  local known = job.fresh and {} or redis.pcall('HMGET', job.key, 's', 'x', 'u', 'rq')
  if known.err then return 'CONFLICT', 'failed' end
  local state, digest, remembered = known[1], known[2], known[4]
  if not state and job.tombstone then state, digest, remembered = read_tombstone(job.tombstone) end
  local before = digest == args[job.at + 3] and answered_before(remembered, request)
  if before then return before, state, true end
  local word
  word, state = accept(batch, args, job, if_exists, known, action)
  if request ~= '' and (word == 'CREATED' or word == 'REPLACED') then redis.call('HSET', job.key, 'rq', word .. ' ' .. request) end
  return word, state
end
