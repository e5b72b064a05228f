-- Make a schedule or change it, if it still has the revision that the caller knows; a paused one stays paused.
-- KEYS[1] jobs:{queue}:meta
-- ARGV[1..5] action (event id, actor, issuer, token id, reason)   ARGV[6] id   ARGV[7] revision, 0 for a new one
-- ARGV[8] next due ms   ARGV[9] what it says (JSON)   ARGV[10] data (JSON)   ARGV[11] most schedules of a queue
-- ARGV[12] detail of the audit record (JSON)   ARGV[13] '1': it comes with a job type, made only if it never was; no person
--   did this, so that it is not recorded
-- Returns {'OK', revision} | {'CHANGED', revision or 0} | {'MADE_BEFORE'} | {'TOO_MANY'}
--   | {'UNKNOWN_QUEUE'} | {'LAYOUT', found}
-- Flags: none
local queue, refusal = open_queue(KEYS[1])
if refusal then return refusal end
local action, id = read_action(ARGV, 1), ARGV[6]
local key, made = schedule_key(queue, id), queue.prefix .. 'schedules:made'
if ARGV[13] == '1' and redis.call('SISMEMBER', made, id) == 1 then return { 'MADE_BEFORE' } end
local known = redis.call('HMGET', key, 'rev', 'paused')
if (tonumber(known[1]) or 0) ~= tonumber(ARGV[7]) then return { 'CHANGED', tonumber(known[1]) or 0 } end
if not known[1] and redis.call('ZCARD', queue.prefix .. 'schedules') >= tonumber(ARGV[11]) then return { 'TOO_MANY' } end
local revision = new_revision(queue)
redis.call('HSET', key, 'spec', ARGV[9], 'data', ARGV[10], 'rev', revision, 'ub', action[2], 'ut', queue.now)
if not known[1] then redis.call('HSET', key, 'cb', action[2], 'ct', queue.now) end
if not known[2] then set_next_run(queue, id, key, ARGV[8]) end
redis.call('SADD', made, id)
if ARGV[13] ~= '1' then audit(queue, action, 'schedule_upsert', '', ARGV[12]) end
return { 'OK', revision }
