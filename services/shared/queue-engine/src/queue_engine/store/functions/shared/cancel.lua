-- Cancelling one job, for cancel_job and cancel_jobs.

-- A job that waits ends at once, one that runs gets the request. In a bulk action `suffix` tells the records apart, and a
-- job that was asked already is left alone. Changes of indexes are left in `batch`, to be flushed. `expected` is a state or
-- '' for any. Returns cancelled | requested | NOT_FOUND | WRONG_STATE | CANCELLING and the state.
local function cancel(batch, id, action, expected, suffix)
  local queue = batch.queue
  local key = job_key(queue, id)
  local job = redis.pcall('HMGET', key, 's', 'cx')
  if job.err or not job[1] then return 'NOT_FOUND', '' end
  local state, outcome = job[1], 'cancelled'
  if expected ~= '' and state ~= expected then return 'WRONG_STATE', state end
  if state == 'active' then
    if job[2] and suffix then return 'CANCELLING', state end
    -- How it ends is recorded under the request's event id, which must be this job's own.
    local request = { action[1] .. (suffix or ''), action[2], action[3], action[4], action[5], action[6] }
    if not job[2] then redis.call('HSET', key, 'cx', cjson.encode(request)) end
    outcome = 'requested'
  elseif state == 'waiting' or state == 'delayed' then
    unindex(queue, id, state)
    end_cancelled(batch, id, key, action[5])
  else
    return 'WRONG_STATE', state
  end
  audit(queue, action, 'cancel', id, cjson.encode({ outcome = outcome }), suffix)
  return outcome, state
end
