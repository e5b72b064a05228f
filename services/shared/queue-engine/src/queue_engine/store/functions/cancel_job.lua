-- Cancel a job that waits, or ask for the cancel of one that runs.
-- KEYS[1] jobs:{queue}:meta
-- ARGV[1..5] action (event id, actor, issuer, token id, reason)   ARGV[6] id
-- Returns {'OK', cancelled | requested} | {'NOT_FOUND', ''} | {'WRONG_STATE', state} | {'UNKNOWN_QUEUE'} | {'LAYOUT', found}
-- Flags: allow-oom
local queue, refusal = open_queue(KEYS[1])
if refusal then return refusal end
local action, id = read_action(ARGV, 1), ARGV[6]
local key = job_key(queue, id)
local job = redis.pcall('HMGET', key, 's', 'cx')
if job.err or not job[1] then return { 'NOT_FOUND', '' } end
local state, outcome = job[1], nil
if state == 'active' then
  if not job[2] then redis.call('HSET', key, 'cx', cjson.encode(action)) end
  outcome = 'requested'
elseif state == 'waiting' or state == 'delayed' then
  unindex(queue, id, state)
  local batch = new_batch(queue)
  end_cancelled(batch, id, key, action[5])
  flush(batch)
  outcome = 'cancelled'
else
  return { 'WRONG_STATE', state }
end
audit(queue, action, 'cancel', id, cjson.encode({ outcome = outcome }))
return { 'OK', outcome }
