-- Forget a schedule, also one that cannot be read; its jobs stay. What it said is kept in the audit record.
-- KEYS[1] jobs:{queue}:meta
-- ARGV[1..5] action (event id, actor, issuer, token id, reason)   ARGV[6] id
-- Returns {'OK'} | {'NOT_FOUND'} | {'UNKNOWN_QUEUE'} | {'LAYOUT', found}
-- Flags: allow-oom
local queue, refusal = open_queue(KEYS[1])
if refusal then return refusal end
local id = ARGV[6]
local key = schedule_key(queue, id)
local known = redis.pcall('HMGET', key, 'spec', 'data')
if redis.call('DEL', key) + redis.call('ZREM', queue.prefix .. 'schedules', id) == 0 then return { 'NOT_FOUND' } end
local function as_json(text)
  return text and pcall(cjson.decode, text) and text or 'null'
end
local was = known.err and {} or known
audit(queue, read_action(ARGV, 1), 'schedule_remove', '',
  '{"schedule":"' .. id .. '","was":' .. as_json(was[1]) .. ',"data":' .. as_json(was[2]) .. '}')
return { 'OK' }
