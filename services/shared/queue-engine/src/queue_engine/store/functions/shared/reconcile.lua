-- Proving that the keys, indexes and counters of a queue agree, and mending what does not. Each look is one call together
-- with its repair, so that a queue at work gives no false alarm.

local JOB_INDEXES, new_findings, note, try, readable_size, finish_repair
local check_type, check_job, check_group, check_entry, check_history, check_tombstone, check_trials, check_dead_bytes

do -- as in erase.lua
  JOB_INDEXES = { 'waiting', 'suspects', 'active', 'delayed', 'completed', 'failed', 'dead', 'cancelled' }
  local CHECKED_FIELDS = { 's', 'p', 'll', 'cn', 'g', 't1', 'e', 'ec', 'w', 'l' }
  local WEIGHED_LIMIT = 1000 -- as many dead jobs are weighed at once
  local STATES = { waiting = true, active = true, delayed = true, completed = true, failed = true }
  local RESTORED_LEASE_MS = 60000 -- time for a worker that lives to renew it

  -- What a call finds; with an action everything found is mended and recorded.
  function new_findings(queue, action)
    return { queue = queue, batch = new_batch(queue), action = action, list = {} }
  end

  -- Note a finding. Returns whether it is to be mended.
  function note(findings, kind, id, detail)
    local list, action = findings.list, findings.action
    list[#list + 1] = { kind, id, detail }
    if not action then return false end
    audit(findings.queue, action, 'repair', id, cjson.encode({ finding = kind, detail = detail }), ':' .. #list)
    return true
  end

  -- What lies at an index's key can be read as one. What cannot is taken away: its jobs are found by their own keys later.
  function check_type(findings, index, kind)
    local key = findings.queue.prefix .. index
    local found = redis.call('TYPE', key).ok
    if found == kind or found == 'none' then return end
    if note(findings, 'unreadable_index', '', index .. ' is a ' .. found) then redis.call('UNLINK', key) end
  end

  -- The answer of a command that reads, nil when it met something else than it expects.
  function try(...)
    local found = redis.pcall(...)
    if type(found) == 'table' and found.err then return nil end
    return found
  end

  local function is_member(queue, index, id)
    return try('ZSCORE', queue.prefix .. index, id) and true or false
  end

  -- The indexes that hold the job: by name, and in words.
  local function indexes_of(queue, id)
    local here, words = {}, {}
    for _, index in ipairs(JOB_INDEXES) do
      if is_member(queue, index, id) then
        here[index] = true
        words[#words + 1] = index
      end
    end
    return here, #words > 0 and table.concat(words, ', ') or 'no index'
  end

  -- The indexes where the job belongs. A waiting job is a suspect or not; when its place does not tell, its fields do.
  local function homes_of(job, here)
    if job.s == 'failed' then return { 'failed', job.cn and 'cancelled' or 'dead' } end
    if job.s ~= 'waiting' then return { job.s } end
    local suspect = job.ll
    if here.waiting ~= here.suspects then suspect = here.suspects end
    return { suspect and 'suspects' or 'waiting' }
  end

  -- Put a job into an index that misses it. What only the index knew is gone: a waiting job goes to the end of its priority
  -- class, a delayed one is due now, a lease lasts until its worker has had the time to renew it,
  -- a completed one ended when it was taken.
  local function restore(findings, id, job, index)
    local queue, batch = findings.queue, findings.batch
    if index == 'waiting' or index == 'suspects' then
      local score = wait_score(job.p, reserve_sequence(queue, 1) + 1)
      return_to_waiting(batch, id, score, job.p, index == 'suspects' and 1 or 0)
    elseif index == 'delayed' then
      index_add(batch, index, queue.now, id)
      batch.due = queue.now
    elseif index == 'active' then
      index_add(batch, index, queue.now + RESTORED_LEASE_MS, id)
    else
      index_add(batch, index, tonumber(job.t1) or tonumber(taken_at(job.l)) or queue.now, id)
    end
  end

  -- The job is in the indexes of its state and in no other.
  local function check_places(findings, id, job)
    local here, words = indexes_of(findings.queue, id)
    local homes, missing, lost = homes_of(job, here), {}, words == 'no index'
    for _, index in ipairs(homes) do
      if not here[index] then missing[#missing + 1] = index end
      here[index] = nil
    end
    if #missing == 0 and not next(here) then return end
    local detail = 'is ' .. job.s .. ', found in ' .. words .. ', belongs into ' .. table.concat(homes, ', ')
    if not note(findings, lost and 'lost_job' or 'wrong_index', id, detail) then return end
    for index in pairs(here) do index_remove(findings.batch, index, id) end
    for _, index in ipairs(missing) do restore(findings, id, job, index) end
  end

  -- A failed job is in the error group that it names.
  local function check_membership(findings, id, key, job)
    if job.s ~= 'failed' or job.g and is_member(findings.queue, 'g:' .. job.g, id) then return end
    if not note(findings, 'group_drift', id, 'is failed and not in its error group') then return end
    join_group(findings.queue, id, key, job.e or '', job.cn and '' or job.ec or '', job.cn and 'cancelled' or 'dead')
  end

  -- A dead job's bytes are counted.
  local function check_weight(findings, id, key, job)
    if job.s ~= 'failed' or job.cn or tonumber(job.w) then return end
    if note(findings, 'counter_drift', id, 'is dead and its bytes are not counted') then join_dead(findings.queue, id, key) end
  end

  -- What cannot be read as a job is set aside as dead, with its bytes.
  local function check_unreadable(findings, id, why)
    if not note(findings, 'unreadable_job', id, why) then return end
    for index in pairs((indexes_of(findings.queue, id))) do index_remove(findings.batch, index, id) end
    leave_group(findings.queue, id)
    leave_dead(findings.queue, id)
    quarantine(findings.batch, id)
  end

  function check_job(findings, id)
    local key = job_key(findings.queue, id)
    local kind = redis.call('TYPE', key).ok
    if kind == 'none' then return end
    if kind ~= 'hash' then return check_unreadable(findings, id, 'is a ' .. kind .. ', not a job') end
    local values = redis.call('HMGET', key, unpack(CHECKED_FIELDS))
    if not STATES[values[1]] then return check_unreadable(findings, id, 'is in no state there is') end
    local job = {}
    for i, field in ipairs(CHECKED_FIELDS) do job[field] = values[i] or nil end
    check_places(findings, id, job)
    check_membership(findings, id, key, job)
    check_weight(findings, id, key, job)
  end

  -- An error group is known by its size and by what it is, and only while it holds jobs.
  function check_group(findings, group)
    local queue = findings.queue
    local key = queue.prefix .. 'g:' .. group
    check_type(findings, 'g:' .. group, 'zset')
    local size, said = try('ZCARD', key) or 0, tonumber(try('ZSCORE', queue.prefix .. 'groups', group) or 0)
    local known = try('HEXISTS', queue.prefix .. 'groups:about', group) == 1
    if size == said and known == (size > 0) then return end
    local words = 'error group ' .. group .. ' holds ' .. size .. ' jobs, is said to hold ' .. said
    if not note(findings, 'group_drift', '', words .. (known and '' or ' and is not described')) then return end
    rank_group(queue, group)
    if known or size == 0 then return end
    local first = job_key(queue, redis.call('ZRANGE', key, 0, 0)[1])
    local job = redis.pcall('HMGET', first, 'm', 'ec', 'e')
    local about = job.err and '?\0\0' or job_name(first, job[1]) .. '\0' .. (job[2] or '') .. '\0' .. error_line(job[3] or '')
    redis.call('HSET', queue.prefix .. 'groups:about', group, about)
  end

  -- An index entry has a job; that of an error group, a job which names the group.
  function check_entry(findings, index, id)
    local queue = findings.queue
    local key, group = job_key(queue, id), string.match(index, '^g:(.*)$')
    local kind = nil
    if redis.call('EXISTS', key) == 0 then
      kind = 'ghost_entry'
    elseif group then
      local job = redis.pcall('HMGET', key, 's', 'g')
      if job.err or job[1] ~= 'failed' or job[2] ~= group then kind = 'wrong_index' end
    end
    if not kind then return end
    local why = kind == 'ghost_entry' and 'there is no job of this id' or 'the job is not failed in this way'
    if not note(findings, kind, id, 'in ' .. index .. ', but ' .. why) then return end
    redis.call('ZREM', queue.prefix .. index, id)
    if group then rank_group(queue, group) end
  end

  -- What belongs to a job goes with it.
  function check_history(findings, key, id, what)
    if redis.call('EXISTS', key) == 0 or redis.call('EXISTS', job_key(findings.queue, id)) == 1 then return end
    if note(findings, 'leaked_history', id, what .. ' of a job that is not there') then redis.call('UNLINK', key) end
  end

  -- A tombstone stands for a job that is gone, and only for a time.
  function check_tombstone(findings, key, id)
    local left, why = redis.call('PTTL', key), nil
    if left == -1 then why = 'a tombstone that never expires' end
    if left ~= -2 and redis.call('EXISTS', job_key(findings.queue, id)) == 1 then why = 'a tombstone beside its job' end
    if why and note(findings, 'leaked_tombstone', id, why) then redis.call('UNLINK', key) end
  end

  -- A worker is kept from suspects only while it runs one.
  function check_trials(findings)
    local queue = findings.queue
    local trials = try('HGETALL', queue.prefix .. 'trials') or {}
    for i = 1, #trials, 2 do
      local worker, id = trials[i], trials[i + 1]
      local job = redis.pcall('HMGET', job_key(queue, id), 's', 'l', 'll')
      local runs = not job.err and job[1] == 'active' and job[3] and delivery_worker(job[2]) == worker
      if not runs and note(findings, 'leaked_trial', id, 'worker ' .. worker .. ' does not run this suspect') then
        redis.call('HDEL', queue.prefix .. 'trials', worker)
      end
    end
  end

  -- The bytes of the dead are the sum of their shares, as far as they can be added up in one call.
  function check_dead_bytes(findings)
    local queue, sum = findings.queue, 0
    local dead = try('ZRANGE', queue.prefix .. 'dead', 0, WEIGHED_LIMIT) or {}
    if #dead > WEIGHED_LIMIT then return end
    for _, id in ipairs(dead) do sum = sum + dead_weight(queue, id) end
    local said = redis.call('HGET', queue.meta, 'dead_bytes') or '0'
    if tonumber(said) == sum then return end
    if note(findings, 'counter_drift', '', 'the dead jobs are said to have ' .. said .. ' bytes and have ' .. sum) then
      redis.call('HSET', queue.meta, 'dead_bytes', sum)
    end
  end

  -- Jobs of a state; none in an index that cannot be read.
  function readable_size(queue, state)
    local size = 0
    for _, index in ipairs(state == 'waiting' and { 'waiting', 'suspects' } or { state }) do
      size = size + (try('ZCARD', queue.prefix .. index) or 0)
    end
    return size
  end

  -- Write what repairs gathered, and wake who waits for it.
  function finish_repair(findings)
    local batch = findings.batch
    flush(batch)
    if batch.woken then wake(findings.queue) end
    if batch.due then wake_for_delayed(findings.queue, batch.due) end
  end
end
