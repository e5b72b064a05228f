-- Let a schedule make no more jobs.
-- KEYS[1] jobs:{queue}:meta
-- ARGV[1..5] action (event id, actor, issuer, token id, reason)   ARGV[6] id
-- Returns {'OK', CHANGED | UNCHANGED} | {'NOT_FOUND'} | {'UNKNOWN_QUEUE'} | {'LAYOUT', found}
-- Flags: allow-oom
local queue, refusal = open_queue(KEYS[1])
if refusal then return refusal end
local action, id = read_action(ARGV, 1), ARGV[6]
local key = schedule_key(queue, id)
local known = redis.call('HMGET', key, 'rev', 'paused')
if not known[1] then return { 'NOT_FOUND' } end
if known[2] then return { 'OK', 'UNCHANGED' } end
redis.call('HSET', key, 'paused', cjson.encode({ action[2], action[5], queue.now }), 'rev', new_revision(queue))
redis.call('HDEL', key, 'next')
redis.call('ZADD', queue.prefix .. 'schedules', '+inf', id)
audit(queue, action, 'schedule_pause', '', '{"schedule":"' .. id .. '"}')
return { 'OK', 'CHANGED' }
