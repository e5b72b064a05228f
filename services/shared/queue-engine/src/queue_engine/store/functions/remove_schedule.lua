-- Forget a schedule; its jobs stay. What it said is kept in the audit record.
-- KEYS[1] jobs:{queue}:meta
-- ARGV[1..5] action (event id, actor, issuer, token id, reason)   ARGV[6] id
-- Returns {'OK'} | {'NOT_FOUND'} | {'UNKNOWN_QUEUE'} | {'LAYOUT', found}
-- Flags: allow-oom
local queue, refusal = open_queue(KEYS[1])
if refusal then return refusal end
local id = ARGV[6]
local key = schedule_key(queue, id)
local known = redis.call('HMGET', key, 'spec', 'data')
if not known[1] then return { 'NOT_FOUND' } end
redis.call('DEL', key)
redis.call('ZREM', queue.prefix .. 'schedules', id)
audit(queue, read_action(ARGV, 1), 'schedule_remove', '',
  '{"schedule":"' .. id .. '","was":' .. known[1] .. ',"data":' .. known[2] .. '}')
return { 'OK' }
