-- Enqueueing. A job comes as four ARGV entries: id, data, what made.lua writes of it ('<digest> <name>', maybe ' <window>'),
-- and what else there is to say: '' or seven lines, some of them empty: when, priority, settings, owner, what to do when the
-- id exists, parent ('<queue>:<id>'), options. To replace is '<word>:<request>': a job remembers by which request it was
-- made so, and the same request again, whose answer was lost, is answered and not done again. Services before 1.8 send
-- eleven: id, name, data, digest, when, priority, settings, owner, options, what to do when it exists, parent.

local JOB_SIZE, OLDER_JOB_SIZE = 4, 11

local PLAIN = { priority = '0', settings = '', owner = '', if_exists = 'return', parent = '', options = '' }
local NO_FIELDS = {}

-- Due time in ms of a when-word: "r<ms>" from now, "a<ms>" absolute.
local function due_time(queue, when)
  local ms = tonumber(string.sub(when, 2)) or error('malformed due time')
  return string.sub(when, 1, 1) == 'r' and queue.now + ms or ms
end

-- Read the due time, and take a replacement's word and the name of its request apart: before anything is written.
local function understood(queue, more)
  if more.when ~= '' then more.due = due_time(queue, more.when) end
  if more.if_exists ~= 'return' then more.if_exists, more.request = string.match(more.if_exists, '^([^:]*):?(.*)$') end
  if more.request == '' then more.request = nil end
  return more
end

local function read_more(queue, lines)
  local more = {}
  more.when, more.priority, more.settings, more.owner, more.if_exists, more.parent, more.options =
    string.match(lines, '^([^\n]*)\n([^\n]*)\n([^\n]*)\n([^\n]*)\n([^\n]*)\n([^\n]*)\n(.*)$')
  return more.options and understood(queue, more) or error('malformed job')
end

local function older_job(queue, args, at)
  local more = understood(queue, {
    when = args[at + 4], priority = args[at + 5], settings = args[at + 6], owner = args[at + 7], options = args[at + 8],
    if_exists = args[at + 9], parent = args[at + 10],
  })
  local window = dedup_window(more.settings) or more.request and '-'
  local made = args[at + 3] .. ' ' .. args[at + 1] .. (window and ' ' .. window or '')
  return { id = args[at], key = job_key(queue, args[at]), data = args[at + 2], made = made, more = more, fresh = true }
end

-- The jobs from `first` on, `size` entries each. Those of a call often say the same, which is read once.
local function read_jobs(queue, args, first, size)
  local jobs, n, read = {}, 0, { [''] = PLAIN }
  for at = first, #args, size do
    n = n + 1
    if size == OLDER_JOB_SIZE then
      jobs[n] = older_job(queue, args, at)
    else
      local id, lines = args[at], args[at + 3]
      local more = read[lines] or read_more(queue, lines)
      read[lines] = more
      jobs[n] = { id = id, key = job_key(queue, id), data = args[at + 1], made = args[at + 2], more = more, fresh = true }
    end
  end
  return jobs
end

-- What there is to know of each job before anything is written. A job is fresh when nothing is known of its id, nor an
-- earlier one of this call has it: one look at all of them says it for nearly every call.
local function look_up(queue, jobs)
  local graves, keys, seen = {}, {}, {}
  for i = 1, #jobs do
    local job = jobs[i]
    local id = job.id
    if seen[id] then job.fresh = false end
    graves[i], keys[i], seen[id] = queue.prefix .. 't:' .. id, job.key, true
  end
  local known = redis.call('EXISTS', unpack(keys)) > 0
  local tombstones = redis.call('MGET', unpack(graves))
  for i = 1, #jobs do
    local job, tombstone = jobs[i], tombstones[i]
    if known or tombstone then job.fresh, job.tombstone = false, tombstone end
  end
end

-- Fields that are not set when a job says nothing of them, which keeps a plain job small.
local function optional_fields(more, owner)
  if more == PLAIN then return NO_FIELDS end
  local fields, n, priority, settings, options, parent = {}, 0, more.priority, more.settings, more.options, more.parent
  if priority ~= '0' then fields[n + 1], fields[n + 2], n = 'p', priority, n + 2 end
  if settings ~= '' then fields[n + 1], fields[n + 2], n = 'c', settings, n + 2 end
  if owner ~= '' then fields[n + 1], fields[n + 2], n = 'u', owner, n + 2 end
  if options ~= '' then fields[n + 1], fields[n + 2], n = 'o', options, n + 2 end
  if parent ~= '' then fields[n + 1], fields[n + 2] = 'pa', parent end
  return fields
end

-- Write the job's own fields and its place in the order; `word` is what a replacing request is answered. Returns its state.
local function write_job(batch, job, word)
  local queue, id, more = batch.queue, job.id, job.more
  local due = more.due or queue.now
  local state = due > queue.now and 'delayed' or 'waiting'
  local plain = more.settings == '' and more.options == ''
  local made = now_text(queue) .. (plain and PLAIN_MARK or OTHER_MARK) .. job.made
  if more.request then made = made .. ' ' .. word .. ' ' .. more.request end
  redis.call('HSET', job.key, 's', state, 'd', job.data, 'm', made, unpack(optional_fields(more, job.owner or more.owner)))
  if state == 'delayed' then
    index_add(batch, 'delayed', due, id)
    batch.due = math.min(batch.due or math.huge, due)
  else
    index_add(batch, 'waiting', wait_score(more.priority, job.sequence), id)
    batch.woken = true
  end
  return state
end

-- Make a job that is there as new. An earlier one of this very call may still be on its way to the indexes.
local function replace(batch, job, state, action)
  if state == 'active' then return 'WRONG_STATE', state end
  flush(batch)
  reopen(batch.queue, job.id, job.key, state)
  -- A person who replaces a backend's job does not take it from the backend.
  if action then job.owner = redis.call('HGET', job.key, 'u') or '' end
  redis.call('HDEL', job.key, 'p', 'c', 'u', 'o', 'pa', 'n', 'ts', 'x', 'rq')
  note_list(job.key) -- its history stays; functions before 1.7 kept no note of it
  count(batch, 'replaced')
  return 'REPLACED', write_job(batch, job, 'REPLACED')
end

-- What there is of the job's id: nothing, a tombstone or a job (which alone has an owner); nil when it cannot be read.
local function read_known(job)
  local known = {}
  local values = redis.pcall('HMGET', job.key, 's', 'm', 'u')
  if values.err then return nil end
  if values[1] then
    known.state, known.owner = values[1], values[3] or ''
    local digest, _, by = read_identity(job.key, values[2])
    known.digest, known.made_by = digest, by
  elseif job.tombstone then
    known.state, known.digest, known.made_by = read_tombstone(job.tombstone)
  end
  return known
end

-- Accept a job whose id may be known. Returns a word of accept_jobs and the job's state; the third value says that the
-- answer is an earlier one of the same request, and nothing was done.
local function accept_known(batch, job, action)
  local more, known = job.more, read_known(job)
  if not known then return 'CONFLICT', 'failed' end
  local same = known.digest == string.sub(job.made, 1, DIGEST_SIZE)
  local before = more.request and same and answered_before(known.made_by, more.request)
  if before then return before, known.state, true end
  local may_replace = more.if_exists ~= 'return'
  if known.owner then
    if more.if_exists == 'replace_own' and known.owner ~= more.owner then return 'NOT_FOUND', known.state end
    if may_replace then return replace(batch, job, known.state, action) end
  end
  if known.state and not may_replace then return same and 'KNOWN' or 'CONFLICT', known.state end
  if job.tombstone then redis.call('DEL', batch.queue.prefix .. 't:' .. job.id) end
  return 'CREATED', write_job(batch, job, 'CREATED')
end

-- Accept jobs in order. Returns a flat list of a word and a state for each.
local function enqueue_all(queue, jobs, action)
  local batch, answers, created = new_batch(queue), {}, 0
  look_up(queue, jobs)
  local sequence = reserve_sequence(queue, #jobs)
  for i = 1, #jobs do
    local job, word, state, again = jobs[i], 'CREATED', nil, nil
    job.sequence = sequence + i
    if job.fresh then
      state = write_job(batch, job, word)
    else
      word, state, again = accept_known(batch, job, action)
    end
    if not again then
      if word == 'CREATED' then created = created + 1 end
      if action and (word == 'CREATED' or word == 'REPLACED') then
        audit(queue, action, word == 'CREATED' and 'enqueue' or 'replace', job.id, '{}', #jobs > 1 and ':' .. job.id)
      end
    end
    answers[2 * i - 1], answers[2 * i] = word, state
  end
  if created > 0 then count_minute(batch, 'added', created) end
  flush(batch)
  if batch.woken then wake(queue) end
  if batch.due then wake_for_delayed(queue, batch.due) end
  return answers
end
