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

-- What there is to know of each job before anything is written.
local function read_new_jobs(queue, args, first)
  local jobs, graves = {}, {}
  for at = first, #args, NEW_JOB_SIZE do
    local grave = queue.prefix .. 't:' .. args[at]
    graves[#graves + 1] = grave
    jobs[#jobs + 1] = { at = at, id = args[at], due = due_time(queue, args[at + 4]), grave = grave }
  end
  for i, tombstone in ipairs(redis.call('MGET', unpack(graves))) do jobs[i].tombstone = tombstone end
  return jobs
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
  add('pa', args[at + 10], '')
  if #more > 0 then redis.call('HSET', key, unpack(more)) end
end

-- Write the job's own fields and its place in the order. Returns its state.
local function write_job(batch, args, job)
  local queue, id, at, due = batch.queue, job.id, job.at, job.due
  local key = job_key(queue, id)
  local state = due > queue.now and 'delayed' or 'waiting'
  redis.call('HSET', key, 's', state, 'n', args[at + 1], 'd', args[at + 2], 'x', args[at + 3], 'ts', queue.now)
  optional_fields(key, args, at)
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
  local key = job_key(batch.queue, job.id)
  flush(batch)
  reopen(batch.queue, job.id, key, state)
  -- A person who replaces a backend's job does not take it from the backend.
  if action then args[job.at + 7] = redis.call('HGET', key, 'u') or '' end
  redis.call('HDEL', key, 'p', 'c', 'u', 'o', 'pa')
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
  local key = job_key(batch.queue, job.id)
  local known = redis.pcall('HMGET', key, 's', 'x', 'u', 'rq')
  if known.err then return 'CONFLICT', 'failed' end
  local state, digest, remembered = known[1], known[2], known[4]
  if not state and job.tombstone then state, digest, remembered = read_tombstone(job.tombstone) end
  local before = digest == args[job.at + 3] and answered_before(remembered, request)
  if before then return before, state, true end
  local word
  word, state = accept(batch, args, job, if_exists, known, action)
  if request ~= '' and (word == 'CREATED' or word == 'REPLACED') then redis.call('HSET', key, 'rq', word .. ' ' .. request) end
  return word, state
end
