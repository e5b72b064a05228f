-- Making a job that is not active as new again, for retry and replace. Its history stays.

local RUN_FIELDS = { 'at', 'll', 'cx', 'e', 'ec', 'ek', 't1', 'cn', 'r', 'df', 'pg', 'rs', 'mf', 'g', 'w' }
local INDEXES = {
  waiting = { 'waiting', 'suspects' },
  delayed = { 'delayed' },
  completed = { 'completed' },
  failed = { 'failed', 'dead', 'cancelled' },
}

-- Take a job out of the indexes of its state.
local function unindex(queue, id, state)
  if state == 'failed' then
    leave_group(queue, id)
    leave_dead(queue, id)
  end
  for _, index in ipairs(INDEXES[state] or {}) do redis.call('ZREM', queue.prefix .. index, id) end
end

-- Forget what the last run left in the job's fields and take it out of its indexes.
local function reopen(queue, id, key, state)
  if state == 'completed' then keep_completion(queue, id, key) end
  unindex(queue, id, state)
  redis.call('HDEL', key, unpack(RUN_FIELDS))
end

-- Whether the job is what the caller saw: a state, 'dead', or '' for anything. Checked in the call that changes it.
local function is_expected(state, cancelled, expected)
  if expected == 'dead' then return state == 'failed' and not cancelled end
  return expected == '' or state == expected
end

-- Failed -> waiting at the end of its priority class. Returns OK, NOT_FOUND or WRONG_STATE and the state.
local function retry(queue, id, action, data, expected, suffix)
  local key = job_key(queue, id)
  local job = redis.pcall('HMGET', key, 's', 'p', 'd', 'mf', 'cn')
  if job.err or not job[1] then return 'NOT_FOUND', '' end
  if job[1] ~= 'failed' or not is_expected(job[1], job[5], expected) then return 'WRONG_STATE', job[1] end
  local detail = '{}'
  if data ~= '' then
    detail = '{"old":' .. (job[4] and 'null' or job[3]) .. ',"new":' .. data .. '}'
    redis.call('HSET', key, 'd', data)
  end
  reopen(queue, id, key, 'failed')
  redis.call('HSET', key, 's', 'waiting', 'rs', queue.now)
  redis.call('ZADD', queue.prefix .. 'waiting', wait_score(job[2], reserve_sequence(queue, 1) + 1), id)
  redis.call('HINCRBY', queue.meta, 'n:manual_retries', 1)
  audit(queue, action, 'retry', id, detail, suffix)
  return 'OK', ''
end

-- Forget a job that is not active, and its id. Returns as retry.
local function remove(queue, id, action, expected, suffix)
  local key = job_key(queue, id)
  local job = redis.pcall('HMGET', key, 's', 'm', 'cn')
  if job.err or not job[1] then return 'NOT_FOUND', '' end
  if job[1] == 'active' or not is_expected(job[1], job[3], expected) then return 'WRONG_STATE', job[1] end
  local name = job_name(key, job[2])
  unindex(queue, id, job[1])
  unlink_job(queue, id)
  redis.call('HINCRBY', queue.meta, 'n:removed', 1)
  audit(queue, action, 'remove', id, cjson.encode({ name = name, state = job[1] }), suffix)
  return 'OK', ''
end
