-- Attempt records: a list per job of [delivery, worker, started, ended, outcome, error, stack], written only for
-- deliveries that did not end well. The last good one is in the job's own fields and costs nothing.

local HISTORY_LIMIT = 20

-- `job` has the fields l and df; deferrals in a row are one record, so that they do not push real failures out.
local function record_attempt(queue, id, job, outcome, reason, stack)
  local key = queue.prefix .. 'a:' .. id
  local _, taken_at, number, _, worker = unpack_delivery(job.l)
  local record = cjson.encode({
    tonumber(number) or 0, worker or '', tonumber(taken_at) or queue.now, queue.now, outcome, reason or '', stack or '',
  })
  if outcome == 'deferred' and job.df then
    local last = redis.call('LINDEX', key, -1)
    if last and string.find(last, '"deferred"', 1, true) then
      redis.call('LSET', key, -1, record)
      return
    end
  end
  local length = redis.call('RPUSH', key, record)
  if length == 1 then note_list(job_key(queue, id)) end
  if length > HISTORY_LIMIT then redis.call('LTRIM', key, -HISTORY_LIMIT, -1) end
end

-- When a finished job ended, in ms, by its field t1, which completed jobs have from functions before 1.9 only; nil when it
-- has not.
local function ended_at(queue, id, t1)
  return tonumber(t1 or redis.call('ZSCORE', queue.prefix .. 'completed', id) or nil)
end

-- Before a completed job is used again: its good delivery, until now only in its fields, becomes a record.
local function keep_completion(queue, id, key)
  local job = redis.call('HMGET', key, 'l', 't1')
  local _, taken_at, number, _, worker = unpack_delivery(current_delivery(key, job[1] or nil))
  redis.call('RPUSH', queue.prefix .. 'a:' .. id, cjson.encode({
    tonumber(number) or 0, worker or '', tonumber(taken_at) or 0, ended_at(queue, id, job[2]) or 0, 'completed', '', '',
  }))
  note_list(key)
end
