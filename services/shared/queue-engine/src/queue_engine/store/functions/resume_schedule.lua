-- Let a paused schedule make jobs again, if it still has the revision that the caller knows.
-- KEYS[1] jobs:{queue}:meta
-- ARGV[1..5] action (event id, actor, issuer, token id, reason)   ARGV[6] id   ARGV[7] revision   ARGV[8] next due ms
-- Returns {'OK', CHANGED | UNCHANGED} | {'CHANGED', revision or 0} | {'UNKNOWN_QUEUE'} | {'LAYOUT', found}
-- Flags: allow-oom
local queue, refusal = open_queue(KEYS[1])
if refusal then return refusal end
local action, id = read_action(ARGV, 1), ARGV[6]
local key = schedule_key(queue, id)
local known = redis.call('HMGET', key, 'rev', 'paused')
if known[1] ~= ARGV[7] then return { 'CHANGED', tonumber(known[1]) or 0 } end
if not known[2] then return { 'OK', 'UNCHANGED' } end
redis.call('HDEL', key, 'paused')
redis.call('HSET', key, 'rev', new_revision(queue))
set_next_run(queue, id, key, ARGV[8])
audit(queue, action, 'schedule_resume', '', '{"schedule":"' .. id .. '"}')
return { 'OK', 'CHANGED' }
